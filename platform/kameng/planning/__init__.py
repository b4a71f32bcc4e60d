"""Planning: seasons, what they will sell, and what to buy for them."""
