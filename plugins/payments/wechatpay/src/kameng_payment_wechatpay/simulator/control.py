"""What the cashier page can do, for tests; and what there is to see."""

import csv
import io

from werkzeug.exceptions import BadRequest

from kameng_sdk.simulation.levers import whole

from .bank import Bank
from .store import Row


class Control:
    """Each action is a POST to `/control/<prepay id>/<action>`."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def act(self, prepay_id: str, action: str, params: dict[str, str]) -> dict[str, object]:
        """The first part may be the merchant's number, written `out:<out_trade_no>`."""
        number = str(self.find(prepay_id)["prepay_id"])
        bank, times = self._bank, whole(params, "times", 1)
        match action:
            case "pay":
                fen = whole(params, "fen", 0, most=10**9)
                bank.pay(number, notices=times, fen=fen)
            case "pay_twice":
                bank.pay(number, payments=2, notices=times)
            case "pay_late":
                bank.pay_later(number, whole(params, "seconds", 20, most=86_400))
            case "refuse":
                bank.refuse(number)
            case "notify":
                bank.notify_again(number, times)
            case _:
                raise BadRequest("unknown action")
        return self.describe(bank.order(number))

    def find(self, asked: str) -> Row:
        """Raises `NoSuchOrder`."""
        if asked.startswith("out:"):
            return self._bank.order_by_number(asked.removeprefix("out:"))
        return self._bank.order(asked)

    def describe(self, order: Row) -> dict[str, object]:
        """The order with payments and refunds, and how its notices fare."""
        store, number = self._bank.store, order["prepay_id"]
        refunds = store.rows(
            "SELECT r.* FROM refunds r JOIN payments USING (transaction_id) WHERE prepay_id = ?"
            " ORDER BY r.created_at",
            number,
        )
        callbacks = store.rows(
            "SELECT subject, url, state, tries, answer FROM callbacks WHERE parent = ? ORDER BY id",
            number,
        )
        late = store.row("SELECT due_at FROM late_payments WHERE prepay_id = ?", number)
        return dict(order) | {
            "payments": [dict(row) for row in self._bank.payments(number)],
            "refunds": [dict(row) for row in refunds],
            "callbacks": [dict(row) for row in callbacks],
            "pays_at": late["due_at"] if late else None,
        }

    def orders(self, out_trade_no: str) -> dict[str, object]:
        """The newest orders, or the one of an attempt."""
        store = self._bank.store
        if out_trade_no:
            found = store.rows("SELECT * FROM orders WHERE out_trade_no = ?", out_trade_no)
        else:
            found = store.rows("SELECT * FROM orders ORDER BY created_at DESC LIMIT 200")
        return {"orders": [self.describe(row) for row in found]}

    def bill(self) -> str:
        """All money movements as CSV, without those planted to be missing."""
        store = self._bank.store
        omitted = set(store.setting("bill_omit").split(","))
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["kind", "number", "out_trade_no", "fen", "at"])
        rows = store.rows(
            "SELECT 'payment', p.transaction_id AS number, o.out_trade_no, p.fen, p.paid_at AS at"
            " FROM payments p JOIN orders o USING (prepay_id) UNION ALL"
            " SELECT 'refund', r.refund_id, o.out_trade_no, -r.fen, r.created_at FROM refunds r"
            " JOIN payments p USING (transaction_id) JOIN orders o USING (prepay_id) ORDER BY at"
        )
        writer.writerows(tuple(row) for row in rows if row["number"] not in omitted)
        return text.getvalue()
