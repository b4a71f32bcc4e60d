"""A payment gateway for Kameng."""
