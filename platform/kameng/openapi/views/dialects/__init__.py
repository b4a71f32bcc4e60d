"""Other systems' protocols over HTTP: each module has a blueprint without a prefix of its own."""
