"""What other contexts and the faces may use of supply."""

from __future__ import annotations

from kameng.supply.services.desk import (
    PurchaseView,
    accept,
    ask_now,
    complete,
    fail,
    open_purchases,
    send_again,
    take_back,
)
from kameng.supply.services.exchanges import ExchangeView, exchanges
from kameng.supply.services.fulfilling import fulfil
from kameng.supply.services.levels import confirm_cost, offer_changed
from kameng.supply.services.levels import refresh as refresh_levels
from kameng.supply.services.noticing import handle_notice

__all__ = [
    "ExchangeView", "PurchaseView", "accept", "ask_now", "complete", "confirm_cost", "exchanges",
    "fail", "fulfil", "handle_notice", "offer_changed", "open_purchases", "refresh_levels",
    "send_again", "take_back",
]  # fmt: skip
