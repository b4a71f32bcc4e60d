"""What the cashier page can do, for tests; and what there is to see."""

from typing import Any

from werkzeug.exceptions import BadRequest

from kameng_sdk.simulation import control

from .bank import Bank
from .bills import planted
from .store import Row
from .transfers import Transfers


class Control(control.Control[Bank]):
    """Each action is a POST to `/control/<trade number>/<action>`."""

    movements = (
        "SELECT 'payment' AS kind, p.trade_no AS number, o.out_trade_no, p.fen, p.paid_at AS at"
        " FROM payments p JOIN orders o ON o.trade_no = p.order_no UNION ALL"
        " SELECT 'refund', r.out_request_no, o.out_trade_no, -r.fen, r.created_at"
        " FROM refunds r JOIN payments p USING (trade_no)"
        " JOIN orders o ON o.trade_no = p.order_no ORDER BY at"
    )

    def __init__(self, bank: Bank, transfers: Transfers) -> None:
        super().__init__(bank)
        self._transfers = transfers

    def by_reference(self, reference: str) -> Row:
        """Raises `NoSuchTrade`."""
        return self._bank.find("", reference)

    def payouts(self) -> dict[str, Any]:
        """The newest transfers."""
        return {"payouts": [dict(row) for row in self._transfers.newest()]}

    def settle_payout(self, out_biz_no: str, action: str) -> dict[str, Any]:
        """End a transfer that is under way."""
        if action not in ("succeed", "fail"):
            raise BadRequest("unknown action")
        return dict(self._transfers.settle(out_biz_no, succeed=action == "succeed"))

    def omitted(self) -> set[str]:
        """Numbers planted to be missing from the bill."""
        store = self._bank.store
        return {*planted(store, "bill_omit"), *planted(store, "bill_missing")}
