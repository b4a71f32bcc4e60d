"""Use cases of the open API."""
