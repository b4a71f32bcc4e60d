"""Raises when it is imported."""

raise RuntimeError("no database for you")
