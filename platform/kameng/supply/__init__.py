"""supply context."""
