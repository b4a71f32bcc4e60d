"""Another Kameng as supplier, over its native API v1."""
