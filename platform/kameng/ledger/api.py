"""What other contexts and the faces may use of the ledger."""

from kameng.ledger.domain import FLOORED, split
from kameng.ledger.services.verifying import Check, Finding, Report, verify
from kameng.ledger.services.wallets import (
    AccountView,
    Earnings,
    WalletEntry,
    accounts,
    roll_up,
    station_earnings,
    wallet,
    wallet_entries,
)
from kameng.ledger.services.watching import watch_books

__all__ = [
    "FLOORED", "AccountView", "Check", "Earnings", "Finding", "Report", "WalletEntry", "accounts",
    "roll_up", "split", "station_earnings", "verify", "wallet", "wallet_entries", "watch_books",
]  # fmt: skip
