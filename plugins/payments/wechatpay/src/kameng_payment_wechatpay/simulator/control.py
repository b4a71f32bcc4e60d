"""What the cashier page can do, for tests; and what there is to see."""

from typing import Any

from kameng_sdk.simulation import control
from kameng_sdk.simulation.levers import whole

from .bank import Bank
from .store import Row


class Control(control.Control[Bank]):
    """Each action is a POST to `/control/<prepay id>/<action>`."""

    key = order_key = "prepay_id"
    callbacks = (
        "SELECT subject, url, state, tries, answer FROM callbacks WHERE parent = ? ORDER BY id"
    )
    movements = (
        "SELECT 'payment', p.transaction_id AS number, o.out_trade_no, p.fen, p.paid_at AS at"
        " FROM payments p JOIN orders o USING (prepay_id) UNION ALL"
        " SELECT 'refund', r.refund_id, o.out_trade_no, -r.fen, r.created_at FROM refunds r"
        " JOIN payments p USING (transaction_id) JOIN orders o USING (prepay_id) ORDER BY at"
    )

    def by_reference(self, reference: str) -> Row:
        """Raises `NoSuchOrder`."""
        return self._bank.order_by_number(reference)

    def pay(self, number: str, params: dict[str, str]) -> None:
        """A lever may have another amount paid: `fen`."""
        fen = whole(params, "fen", 0, most=10**9)
        self._bank.pay(number, notices=whole(params, "times", 1), fen=fen)

    def describe(self, order: Row) -> dict[str, Any]:
        """With its refunds, too."""
        refunds = self._bank.store.rows(
            "SELECT r.* FROM refunds r JOIN payments USING (transaction_id) WHERE prepay_id = ?"
            " ORDER BY r.created_at",
            order["prepay_id"],
        )
        return super().describe(order) | {"refunds": [dict(row) for row in refunds]}
