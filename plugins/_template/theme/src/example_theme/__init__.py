"""A theme for the storefronts of Kameng."""
