"""Use cases of payments: collecting, receiving notices, asking, giving back."""
