"""suppliers context."""
