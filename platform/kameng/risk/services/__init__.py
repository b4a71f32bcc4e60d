"""Use cases of risk."""
