"""The upstream API 1.0 of dujiao-next."""
