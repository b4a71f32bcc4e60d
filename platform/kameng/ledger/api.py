"""What other contexts and the faces may use of the ledger."""

from kameng.identity.api import on_decision
from kameng.ledger.domain import FLOORED, split
from kameng.ledger.services.adjusting import (
    MEMBER_PAIRS,
    STATION_PAIRS,
    AdjustmentRefused,
    AdjustmentView,
    adjustment_view,
    adjustments,
    post_adjustment,
    request_adjustment,
    settle_adjustment,
    station_funds,
)
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
    "FLOORED", "MEMBER_PAIRS", "STATION_PAIRS", "AccountView", "AdjustmentRefused",
    "AdjustmentView", "Check", "Earnings", "Finding", "Head", "HeadsUnreadable", "Report",
    "WalletEntry", "accounts", "adjustment_view", "adjustments", "export_head", "head",
    "heads_file", "post_adjustment", "read_heads", "request_adjustment", "roll_up", "run_facts",
    "seal", "settle_adjustment", "split", "station_earnings", "station_funds", "unsealed", "verify",
    "wallet", "wallet_entries", "watch_books", "watch_fully", "watch_lately",
]  # fmt: skip

on_decision("adjustment", settle_adjustment)
