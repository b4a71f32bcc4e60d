"""频次风控: too many top-ups from one address in a short time."""
