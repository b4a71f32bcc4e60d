"""Use cases of the catalogue; the only place here that commits."""
