"""What the cashier page can do, for tests; and what there is to see."""

from typing import Any

from kameng_sdk.simulation import control
from kameng_sdk.simulation.control import COLUMNS, as_csv

from .bank import Bank, refund_code
from .files import Files
from .store import Row

PAID = "(SELECT query_id FROM payments WHERE order_no = ?)"


class Control(control.Control[Bank]):
    """Each action is a POST to `/control/<number>/<action>`."""

    key, reference = "no", "order_id"
    callbacks = (
        f"SELECT subject, state, tries, answer FROM callbacks WHERE subject IN {PAID} ORDER BY id"
    )

    def __init__(self, bank: Bank, files: Files) -> None:
        super().__init__(bank)
        self._files = files

    def by_reference(self, reference: str) -> Row:
        """The newest one. Raises `NoSuchOrder`."""
        return self._bank.find(reference)

    def describe(self, order: Row) -> dict[str, Any]:
        """With the refunds of its payments, too."""
        refunds = self._bank.store.rows(
            f"SELECT * FROM refunds WHERE payment IN {PAID}", order["no"]
        )
        shown = [dict(row) | {"code": refund_code(row)} for row in refunds]
        return super().describe(order) | {"refunds": shown}

    def bill(self) -> str:
        """All movements of money as CSV, with what levers have planted."""
        kinds = {"01": "payment", "04": "refund", "31": "reversal"}
        rows = []
        for line in self._files.movements():
            fen = line.fen if line.kind == "01" else -line.fen
            rows.append((kinds[line.kind], line.query_id, line.order_id, fen, line.at, line.orig))
        return as_csv((*COLUMNS, "of"), rows)
