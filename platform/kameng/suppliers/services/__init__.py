"""Use cases of suppliers; the only place of this context that commits."""
