"""What other contexts and the console may use of supply."""

from __future__ import annotations

from kameng.supply.services.desk import PurchaseView, complete, fail, open_purchases
from kameng.supply.services.fulfilment import fulfil

__all__ = ["PurchaseView", "complete", "fail", "fulfil", "open_purchases"]
