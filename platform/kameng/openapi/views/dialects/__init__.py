"""Other systems' protocols over HTTP: a `blueprint` each, which refuses in its own words."""
