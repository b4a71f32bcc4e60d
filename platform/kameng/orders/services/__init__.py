"""Use cases of orders: placing and moving them, and reading them for pages."""
