"""A supplier for Kameng."""
