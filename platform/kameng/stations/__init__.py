"""stations context."""
