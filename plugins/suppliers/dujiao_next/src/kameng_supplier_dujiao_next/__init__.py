"""A dujiao-next site as supplier, over its upstream API 1.0."""
