"""Suppliers: who sells to us, on what terms, and how well."""
