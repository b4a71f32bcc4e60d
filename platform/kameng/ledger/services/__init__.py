"""Use cases of the ledger: wallets, balances, verification."""
