"""What other contexts and the faces may use of the ledger."""

from kameng.ledger.domain import FLOORED, split
from kameng.ledger.services.verifying import (
    Check,
    Finding,
    Report,
    tell_findings,
    verify,
)
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

__all__ = [
    "FLOORED", "AccountView", "Check", "Earnings", "Finding", "Report", "WalletEntry", "accounts",
    "roll_up", "split", "station_earnings", "tell_findings", "verify", "wallet", "wallet_entries",
]  # fmt: skip
