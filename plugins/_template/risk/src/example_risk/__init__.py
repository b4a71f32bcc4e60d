"""A risk rule for Kameng."""
