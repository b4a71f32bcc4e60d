"""Orders: one state machine for cards, top-ups, manual goods and bundles."""
