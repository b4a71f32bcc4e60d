"""Rules of supply. Pure."""
