"""What the cashier page can do, for tests; and what there is to see."""

import csv
import io

from werkzeug.exceptions import BadRequest

from kameng_sdk.simulation.levers import whole

from .bank import Bank, refund_code
from .files import Files
from .store import Row


class Control:
    """Each action is a POST to `/control/<number>/<action>`."""

    def __init__(self, bank: Bank, files: Files) -> None:
        self._bank, self._files = bank, files

    def act(self, number: str, action: str, params: dict[str, str]) -> dict[str, object]:
        """`number` may be the merchant's, written `out:<orderId>`."""
        ours = number.removeprefix("out:") if number.startswith("out:") else ""
        order = self._bank.find(ours) if ours else self._bank.order(number)
        no = str(order["no"])
        match action:
            case "pay":
                self._bank.pay(no, notices=whole(params, "times", 1))
            case "pay_twice":
                self._bank.pay(no, payments=2, notices=whole(params, "times", 1))
            case "pay_late":
                self._bank.pay_later(no, whole(params, "seconds", 20, most=86_400))
            case "refuse":
                self._bank.refuse(no)
            case "notify":
                # By a payment's query number only its notice, by the order's number all.
                self._bank.notify_again(no if ours else number, whole(params, "times", 1))
            case _:
                raise BadRequest("unknown action")
        return self.describe(self._bank.order(no))

    def describe(self, order: Row) -> dict[str, object]:
        """The order with its payments, their refunds, and how its notices fare."""
        store, no = self._bank.store, order["no"]
        paid = "(SELECT query_id FROM payments WHERE order_no = ?)"
        callbacks = store.rows(
            "SELECT subject, state, tries, answer FROM callbacks"
            f" WHERE subject IN {paid} ORDER BY id", no,
        )  # fmt: skip
        refunds = store.rows(f"SELECT * FROM refunds WHERE payment IN {paid}", no)
        late = store.row("SELECT due_at FROM late_payments WHERE order_no = ?", no)
        return dict(order) | {
            "payments": [dict(row) for row in self._bank.payments(no)],
            "refunds": [dict(row) | {"code": refund_code(row)} for row in refunds],
            "callbacks": [dict(row) for row in callbacks],
            "pays_at": late["due_at"] if late else None,
        }

    def orders(self, reference: str) -> dict[str, object]:
        """The newest orders, or those of one attempt."""
        sql = "SELECT * FROM orders WHERE ? IN ('', order_id) ORDER BY created_at DESC LIMIT 200"
        return {"orders": [self.describe(row) for row in self._bank.store.rows(sql, reference)]}

    def bill(self) -> str:
        """All movements of money as CSV, with what levers have planted."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["kind", "number", "out_trade_no", "fen", "at", "of"])
        kinds = {"01": "payment", "04": "refund", "31": "reversal"}
        for line in self._files.movements():
            fen = line.fen if line.kind == "01" else -line.fen
            row = (kinds[line.kind], line.query_id, line.order_id, fen, line.at, line.orig)
            writer.writerow(row)
        return text.getvalue()
