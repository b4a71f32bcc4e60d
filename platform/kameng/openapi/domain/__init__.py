"""Rules of the open API: keys, scopes, requests, refusals. Pure."""
