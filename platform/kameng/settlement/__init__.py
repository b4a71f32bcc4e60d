"""Settlement: what stations earn, when they may take it out, and paying it out."""
