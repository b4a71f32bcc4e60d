"""All that a plugin may import. It imports nothing of the host, no web framework and no ORM."""
