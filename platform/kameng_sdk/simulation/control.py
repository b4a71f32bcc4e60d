"""What a cashier can do, for its page and for tests; and what there is to see."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from werkzeug.exceptions import BadRequest

from kameng_sdk.simulation.levers import whole
from kameng_sdk.simulation.store import Row, Store

COLUMNS = ("kind", "number", "out_trade_no", "fen", "at")


class Bank(Protocol):
    """What happens to the money. Each raises the gateway's own refusal."""

    store: Store

    def order(self, number: str, /) -> Row:
        """The order of that number."""
        ...

    def payments(self, number: str, /) -> list[Row]:
        """What was paid for it."""
        ...

    def pay(self, number: str, /, *, payments: int = 1, notices: int = 1) -> None:
        """Pay, and tell of each payment so many times."""
        ...

    def pay_later(self, number: str, seconds: int, /) -> None:
        """Pay by itself in so many seconds."""
        ...

    def refuse(self, number: str, /) -> None:
        """The shopper's bank says no."""
        ...

    def notify_again(self, number: str, times: int, /) -> object:
        """Tell so many times more."""
        ...


B = TypeVar("B", bound=Bank)


class Control(ABC, Generic[B]):
    """Each action is a POST to `/control/<number>/<action>`; for orders, payments and late
    payments in tables of these names. The rest of a table's shape stands in the attributes."""

    key: ClassVar[str] = "trade_no"
    """Column with an order's number."""

    order_key: ClassVar[str] = "order_no"
    """Column of `late_payments` with the order's number."""

    reference: ClassVar[str] = "out_trade_no"
    """Column with the merchant's number."""

    callbacks: ClassVar[str] = (
        "SELECT subject, state, tries, answer FROM callbacks WHERE parent = ? ORDER BY id"
    )
    """An order's callbacks."""

    movements: ClassVar[str]
    """All movements of money, in the order of `COLUMNS`."""

    def __init__(self, bank: B) -> None:
        self._bank = bank

    @abstractmethod
    def by_reference(self, reference: str) -> Row:
        """The order with the merchant's number; raises the gateway's refusal."""

    def act(self, asked: str, action: str, params: dict[str, str]) -> dict[str, Any]:
        """`asked` may be the merchant's number, written `out:<number>`. Raises `BadRequest`."""
        ours = asked.startswith("out:")
        order = self.by_reference(asked.removeprefix("out:")) if ours else self._bank.order(asked)
        number = str(order[self.key])
        match action:
            case "pay":
                self.pay(number, params)
            case "pay_twice":
                self._bank.pay(number, payments=2, notices=whole(params, "times", 1))
            case "pay_late":
                self._bank.pay_later(number, whole(params, "seconds", 20, most=86_400))
            case "refuse":
                self._bank.refuse(number)
            case "notify":
                # By a payment's own number only its notice, by the order's number all of them.
                self._bank.notify_again(number if ours else asked, whole(params, "times", 1))
            case _:
                raise BadRequest("unknown action")
        return self.show(number)

    def pay(self, number: str, params: dict[str, str]) -> None:
        """One payment."""
        self._bank.pay(number, notices=whole(params, "times", 1))

    def show(self, number: str) -> dict[str, Any]:
        """One order as `describe` tells it; raises the gateway's refusal."""
        return self.describe(self._bank.order(number))

    def describe(self, order: Row) -> dict[str, Any]:
        """The order with its payments and how its notices fare."""
        store, number = self._bank.store, order[self.key]
        late = store.row(f"SELECT due_at FROM late_payments WHERE {self.order_key} = ?", number)
        return dict(order) | {
            "payments": [dict(row) for row in self._bank.payments(number)],
            "callbacks": [dict(row) for row in store.rows(self.callbacks, number)],
            "pays_at": late["due_at"] if late else None,
        }

    def orders(self, reference: str) -> dict[str, Any]:
        """The newest orders, or those of one attempt."""
        order = "ORDER BY created_at DESC LIMIT 200"
        if reference:
            sql = f"SELECT * FROM orders WHERE {self.reference} = ? {order}"
            found = self._bank.store.rows(sql, reference)
        else:
            found = self._bank.store.rows(f"SELECT * FROM orders {order}")
        return {"orders": [self.describe(row) for row in found]}

    def omitted(self) -> set[str]:
        """Numbers planted to be missing from the bill."""
        return set(self._bank.store.setting("bill_omit").split(","))

    def bill(self) -> str:
        """All money movements as CSV, without those planted to be missing."""
        omitted = self.omitted()
        rows = self._bank.store.rows(self.movements)
        return as_csv(COLUMNS, (row for row in rows if row["number"] not in omitted))


def as_csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV, with its head."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(tuple(row) for row in rows)
    return text.getvalue()
