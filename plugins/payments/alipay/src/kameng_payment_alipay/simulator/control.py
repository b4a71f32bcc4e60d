"""What the cashier page can do, for tests; and what there is to see."""

import csv
import io

from werkzeug.exceptions import BadRequest

from kameng_sdk.simulation.levers import whole

from .bank import Bank
from .bills import planted
from .store import Row
from .transfers import Transfers


class Control:
    """Each action is a POST to `/control/<trade number>/<action>`."""

    def __init__(self, bank: Bank, transfers: Transfers) -> None:
        self._bank = bank
        self._transfers = transfers

    def act(self, trade_no: str, action: str, params: dict[str, str]) -> dict[str, object]:
        """`trade_no` may be the merchant's number, written `out:<out_trade_no>`."""
        out_trade_no = trade_no.removeprefix("out:") if trade_no.startswith("out:") else ""
        order = self._bank.find("" if out_trade_no else trade_no, out_trade_no)
        number = str(order["trade_no"])
        match action:
            case "pay":
                self._bank.pay(number, notices=whole(params, "times", 1))
            case "pay_twice":
                self._bank.pay(number, payments=2, notices=whole(params, "times", 1))
            case "pay_late":
                self._bank.pay_later(number, whole(params, "seconds", 20, most=86_400))
            case "refuse":
                self._bank.refuse(number)
            case "notify":
                # By a payment's own number only its notice, by the order's number all of them.
                asked = number if out_trade_no else trade_no
                self._bank.notify_again(asked, whole(params, "times", 1))
            case _:
                raise BadRequest("unknown action")
        return self.describe(self._bank.order(number))

    def describe(self, order: Row) -> dict[str, object]:
        """The order with its payments and how its notices fare."""
        store, number = self._bank.store, order["trade_no"]
        callbacks = store.rows(
            "SELECT subject, state, tries, answer FROM callbacks WHERE parent = ? ORDER BY id",
            number,
        )
        late = store.row("SELECT due_at FROM late_payments WHERE order_no = ?", number)
        return dict(order) | {
            "payments": [dict(row) for row in self._bank.payments(number)],
            "callbacks": [dict(row) for row in callbacks],
            "pays_at": late["due_at"] if late else None,
        }

    def orders(self, out_trade_no: str) -> dict[str, object]:
        """The newest orders, or those of one attempt."""
        if out_trade_no:
            sql = "SELECT * FROM orders WHERE out_trade_no = ?"
            found = self._bank.store.rows(sql, out_trade_no)
        else:
            sql = "SELECT * FROM orders ORDER BY created_at DESC LIMIT 200"
            found = self._bank.store.rows(sql)
        return {"orders": [self.describe(row) for row in found]}

    def payouts(self) -> dict[str, object]:
        """The newest transfers."""
        return {"payouts": [dict(row) for row in self._transfers.newest()]}

    def settle_payout(self, out_biz_no: str, action: str) -> dict[str, object]:
        """End a transfer that is under way."""
        if action not in ("succeed", "fail"):
            raise BadRequest("unknown action")
        return dict(self._transfers.settle(out_biz_no, succeed=action == "succeed"))

    def bill(self) -> str:
        """All money movements as CSV, without those planted to be missing."""
        store = self._bank.store
        omitted = {*planted(store, "bill_omit"), *planted(store, "bill_missing")}
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["kind", "number", "out_trade_no", "fen", "at"])
        rows = store.rows(
            "SELECT 'payment' AS kind, p.trade_no AS number, o.out_trade_no, p.fen, p.paid_at AS at"
            " FROM payments p JOIN orders o ON o.trade_no = p.order_no UNION ALL"
            " SELECT 'refund', r.out_request_no, o.out_trade_no, -r.fen, r.created_at"
            " FROM refunds r JOIN payments p USING (trade_no)"
            " JOIN orders o ON o.trade_no = p.order_no ORDER BY at"
        )
        writer.writerows(tuple(row) for row in rows if row["number"] not in omitted)
        return text.getvalue()
