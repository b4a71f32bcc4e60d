"""Rules of the catalogue, pure: purchase fields, names and sheets."""
