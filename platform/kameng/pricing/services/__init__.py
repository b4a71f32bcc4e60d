"""Use cases of pricing; the only place here that commits."""
