"""Use cases of people; the only place of this context that commits."""
