"""Bank transfer by hand: the shopper sees an account, staff confirm the money."""
