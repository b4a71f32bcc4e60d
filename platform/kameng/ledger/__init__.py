"""The ledger: double entry, immutable transfers, books that prove themselves."""
