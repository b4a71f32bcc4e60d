"""A supplier's own bill laid beside our postings of the same period: the worklist it leaves.

Together with the ledger and the sale this is the third side of the reconciliation. In main scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.errors import DomainError
from kameng.identity.api import audit
from kameng.suppliers.domain import bills as rules
from kameng.suppliers.domain import disputes as dispute_rules
from kameng.suppliers.domain.bills import Difference, Line
from kameng.suppliers.domain.offers import cost_of, cost_text
from kameng.suppliers.services import disputes, statements

MOST_LINES = 100_000
_BOUGHT = text(
    "SELECT station_id, id, purchase_no, state FROM purchase"
    " WHERE supplier_id = :supplier AND purchase_no = ANY(:numbers)"
)
_KNOWN = text(
    "SELECT d.id, d.state, (SELECT m.body FROM supply_dispute_message m"
    " WHERE m.supplier_id = d.supplier_id AND m.dispute_id = d.id ORDER BY m.id LIMIT 1) AS body"
    " FROM supply_dispute d WHERE d.supplier_id = :supplier AND d.statement_id = :statement"
)
_GONE = text(
    "UPDATE supply_dispute SET state = 'closed', closed_at = now() WHERE supplier_id = :supplier"
    " AND id = :id AND state IN ('open', 'answered')"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a bill compares: lines in it, differences, and how many of these are new."""

    lines: int
    total: int
    differences: Sequence[Difference]
    opened: int
    closed: int


def read_bill(rows: Iterable[tuple[int, Sequence[str]]]) -> dict[str, Line]:
    """Lines of a sheet: purchase number, amount, and the state if it has a third column.

    Lines of the same number are added up. Raises `DomainError("bill_invalid")` with the line.
    """
    found: dict[str, Line] = {}
    for number, cells in rows:
        filled = [cell.strip() for cell in cells] + ["", ""]
        amount = cost_of(filled[1].replace(",", ""))
        good = rules.delivered_word(filled[2])
        if number == 1 and amount is None:
            continue  # the heading
        if not filled[0] or amount is None or good is None or len(found) > MOST_LINES:
            raise DomainError(
                "bill_invalid",
                _("第 %(n)s 行读不懂：要有采购单号和金额，第三列可写 成功 或 失败", n=number),
            )
        before = found.get(filled[0])
        both = (before.amount if before else 0) + amount
        found[filled[0]] = Line(both, good and (before is None or before.delivered))
    if not found:
        raise DomainError("bill_empty", _l("账单里没有一行数据"))
    return found


def compare_bill(
    supplier_id: int, statement_id: int, theirs: dict[str, Line], actor: str, ip: str = ""
) -> Comparison:
    """Compare with the postings of a statement's period; differences become disputes of it.

    A difference that is known stays as it is; one that the new bill no longer shows is closed.
    """
    one = statements.statement(supplier_id, statement_id)
    ours = _ours(one)
    found = rules.compare(ours, theirs)
    bought = _purchases(supplier_id, [d.purchase_no for d in found])
    given = {"supplier": supplier_id, "statement": statement_id}
    known = {row.body: row for row in db.session.execute(_KNOWN, given)}
    bodies = {_body(difference): difference for difference in found}
    for body, difference in bodies.items():
        if body not in known:
            _open(supplier_id, statement_id, body, difference, bought, actor)
    gone = [
        row.id
        for body, row in known.items()
        if dispute_rules.split_bill(body or "") and body not in bodies
        and row.state in dispute_rules.OPEN
    ]  # fmt: skip
    for number in gone:
        db.session.execute(_GONE, {"supplier": supplier_id, "id": number})
    total = sum(line.amount for line in theirs.values() if line.delivered)
    detail = {"statement": statement_id, "lines": len(theirs), "differences": len(found)}
    audit(actor, "statement.compare", f"supplier:{supplier_id}", detail, ip)
    statements.set_their_total(supplier_id, statement_id, total, actor, ip)
    opened = len(set(bodies) - set(known))
    return Comparison(len(theirs), total, found, opened, len(gone))


def _ours(one: statements.StatementView) -> dict[str, Line]:
    found: dict[str, int] = {}
    for line in statements.lines_of(one, 0, MOST_LINES):
        if line.purchase_no and line.kind.startswith("purchase."):
            found[line.purchase_no] = found.get(line.purchase_no, 0) + line.amount
    return {number: Line(amount) for number, amount in found.items()}


def _purchases(supplier_id: int, numbers: Sequence[str]) -> dict[str, Any]:
    given = {"supplier": supplier_id, "numbers": [*numbers]}
    return {row.purchase_no: row for row in db.session.execute(_BOUGHT, given)}


def _open(
    supplier_id: int, statement_id: int, body: str, difference: Difference,
    bought: dict[str, Any], actor: str,
) -> None:  # fmt: skip
    row = bought.get(difference.purchase_no)
    ours, theirs = difference.ours or 0, difference.theirs or 0
    given = {
        "supplier": supplier_id, "station": row.station_id if row else None,
        "purchase": row.id if row else None, "statement": statement_id,
        "kind": "cost" if difference.kind == "amount" else "statement",
        "claim": max(0, ours - theirs), "actor": actor,
        "minutes": dispute_rules.UNAGREED_MINUTES,
    }  # fmt: skip
    number = db.session.scalar(disputes.INSERT, given)
    say = {"supplier": supplier_id, "id": number, "actor": actor, "body": body}
    db.session.execute(disputes.SAY, say)


def _body(difference: Difference) -> str:
    def shown(amount: int | None) -> str:
        return "-" if amount is None else cost_text(amount)

    number = difference.purchase_no.replace(":", " ")[:80]
    return dispute_rules.bill_text(
        difference.kind, number, shown(difference.ours), shown(difference.theirs)
    )
