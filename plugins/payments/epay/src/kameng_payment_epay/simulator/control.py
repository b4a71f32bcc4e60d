"""What the cashier page can do, for tests; and what there is to see."""

from kameng_sdk.simulation import control

from .bank import Bank
from .store import Row


class Control(control.Control[Bank]):
    """Each action is a POST to `/control/<trade number>/<action>`."""

    callbacks = (
        "SELECT subject, state, tries, answer FROM callbacks WHERE subject IN"
        " (SELECT trade_no FROM payments WHERE order_no = ?) ORDER BY id"
    )
    movements = (
        "SELECT 'payment' AS kind, p.trade_no AS number, o.out_trade_no, p.fen, p.paid_at AS at"
        " FROM payments p JOIN orders o ON o.trade_no = p.order_no UNION ALL"
        " SELECT 'refund', r.refund_no, o.out_trade_no, -r.fen, r.created_at FROM refunds r"
        " JOIN payments p USING (trade_no) JOIN orders o ON o.trade_no = p.order_no ORDER BY at"
    )

    def by_reference(self, reference: str) -> Row:
        """Raises `NoSuchOrder`."""
        return self._bank.find("", reference)
