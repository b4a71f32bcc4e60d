"""Backups of the database: made, encrypted, listed, tried out and brought back (ADR 0022)."""
