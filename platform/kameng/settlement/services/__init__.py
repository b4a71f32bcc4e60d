"""Use cases of settlement: terms, releasing, withdrawing, paying out, statements."""
