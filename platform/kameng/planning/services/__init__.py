"""Use cases of planning; the only place of this context that commits."""
