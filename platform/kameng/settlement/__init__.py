"""Settlement: what stations earn, when it is released, and how it is paid out."""
