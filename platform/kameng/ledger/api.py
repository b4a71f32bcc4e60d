"""What other contexts and the faces may use of the ledger."""

from kameng.ledger.domain import FLOORED, split
from kameng.ledger.services.sealing import (
    Head,
    HeadsUnreadable,
    export_head,
    head,
    heads_file,
    read_heads,
    seal,
    unsealed,
)
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
from kameng.ledger.services.watching import run_facts, watch_books, watch_fully, watch_lately

__all__ = [
    "FLOORED", "AccountView", "Check", "Earnings", "Finding", "Head", "HeadsUnreadable", "Report",
    "WalletEntry", "accounts", "export_head", "head", "heads_file", "read_heads", "roll_up",
    "run_facts", "seal", "split", "station_earnings", "unsealed", "verify", "wallet",
    "wallet_entries", "watch_books", "watch_fully", "watch_lately",
]  # fmt: skip
