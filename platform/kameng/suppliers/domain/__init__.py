"""Rules about suppliers. Pure."""
