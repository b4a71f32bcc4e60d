"""Rules of the stock, pure: sealing cards, reading lines, what is low."""
