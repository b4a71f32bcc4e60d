"""Use cases of the stock; the only place here that commits."""
