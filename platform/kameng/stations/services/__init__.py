"""Use cases of stations; the only place of this context that commits."""
