"""Statements: one period's account with a supplier, drawn up once, answered by the supplier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng import sheets
from kameng.db import db, supplier_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.suppliers.domain.offers import cost_text
from kameng.suppliers.domain.periods import missing_periods
from kameng.suppliers.services.noting import note

CHINA = ZoneInfo("Asia/Shanghai")
PAGE, MOST_LINES = 50, 100_000
KIND_WORDS: dict[str, Any] = {
    "purchase.cost": _l("采购成本"),
    "purchase.refund": _l("供货退回"),
    "supplier.payment": _l("已付款"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    """A statement; amounts at scale 4. closing = opening + purchases − refunds − payments."""

    supplier_id: int
    id: int
    period_from: date
    period_until: date
    opening: int
    purchases: int
    refunds: int
    payments: int
    closing: int
    lines: int
    state: str
    comment: str
    their_total: int | None
    created_at: datetime
    answered_at: datetime | None
    answered_by: str

    @property
    def difference(self) -> int | None:
        """Their total less ours; None while they have not named one."""
        own = self.purchases - self.refunds
        return None if self.their_total is None else self.their_total - own


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting: above zero we owe more, below zero less."""

    at: datetime
    kind: str
    purchase_no: str
    title: str
    amount: int


_COLUMNS = (
    "supplier_id, id, period_from, period_until, opening, purchases, refunds, payments, closing,"
    " lines, state, comment, their_total, created_at, answered_at, answered_by"
)
_ONE = text(f"SELECT {_COLUMNS} FROM supplier_statement WHERE supplier_id = :supplier AND id = :id")
_LIST = text(
    f"SELECT {_COLUMNS} FROM supplier_statement WHERE supplier_id = :supplier"
    " ORDER BY period_until DESC LIMIT 100"
)
# A supplier without a running contract keeps the cycle of the one before; without any: monthly.
_DUE = text("""
SELECT s.id AS supplier_id, min(a.at) AS first_at,
       (SELECT max(x.period_until) FROM supplier_statement x WHERE x.supplier_id = s.id) AS drawn,
       coalesce((SELECT k.settlement_cycle FROM supplier_contract k
         WHERE k.supplier_id = s.id AND k.state <> 'draft'
         ORDER BY k.state = 'active' DESC, k.signed_at DESC LIMIT 1), 'monthly') AS cycle
FROM supplier s CROSS JOIN LATERAL (
  SELECT min(t.at) AS at FROM account c JOIN transfer t ON c.id IN (t.debit_account, t.credit_account)
  WHERE c.station_id = 1 AND c.kind = 'supplier' AND c.ref = s.id::text) a
WHERE NOT s.internal AND a.at IS NOT NULL GROUP BY s.id
""")  # noqa: E501  # SQL reads better in whole clauses
_DRAW = text("""
INSERT INTO supplier_statement(supplier_id, period_from, period_until, opening, purchases, refunds,
  payments, closing, lines)
SELECT :supplier, :first, :last, m.opening, m.purchases, m.refunds, m.payments,
       m.opening + m.purchases - m.refunds - m.payments, m.lines
FROM (SELECT coalesce(sum(l.amount) FILTER (WHERE l.at < :start), 0) AS opening,
    coalesce(sum(l.amount) FILTER (WHERE l.at >= :start AND l.kind = 'purchase.cost'), 0) AS purchases,
    -coalesce(sum(l.amount) FILTER (WHERE l.at >= :start AND l.kind = 'purchase.refund'), 0) AS refunds,
    -coalesce(sum(l.amount) FILTER (WHERE l.at >= :start AND l.kind = 'supplier.payment'), 0) AS payments,
    count(*) FILTER (WHERE l.at >= :start) AS lines
  FROM (SELECT t.at, t.kind, CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END AS amount
    FROM account a JOIN transfer t ON a.id IN (t.debit_account, t.credit_account)
    WHERE a.station_id = 1 AND a.kind = 'supplier' AND a.ref = :ref AND t.at < :end) l) m
WHERE m.lines > 0 OR m.opening <> 0
ON CONFLICT (supplier_id, period_from, period_until) DO NOTHING RETURNING id
""")  # noqa: E501  # SQL reads better in whole clauses
_LINES = text("SELECT * FROM supplier_lines(:supplier, :start, :end, :skip, :limit)")
_ANSWER = text(
    "UPDATE supplier_statement SET state = :state, comment = :comment, their_total = :total,"
    " answered_at = now(), answered_by = :who WHERE supplier_id = :supplier AND id = :id"
    " AND state <> 'confirmed' RETURNING id"
)
_TOTAL = text(
    "UPDATE supplier_statement SET their_total = :total"
    " WHERE supplier_id = :supplier AND id = :id RETURNING id"
)


def draw_up_due(today: date | None = None) -> int:
    """Draw up every statement whose period is over; returns how many. Main scope; commits.

    Days are those of China. A period without postings gives no statement unless money is owed.
    """
    today = today or datetime.now(CHINA).date()
    made = 0
    for row in db.session.execute(_DUE).all():
        first = row.first_at.astimezone(CHINA).date()
        for begin, end in missing_periods(row.cycle, today, first, row.drawn):
            given = {
                "supplier": row.supplier_id, "ref": str(row.supplier_id), "first": begin,
                "last": end, **_span(begin, end),
            }  # fmt: skip
            made += db.session.scalar(_DRAW, given) is not None
    db.session.commit()
    return made


def statement(supplier_id: int, statement_id: int) -> StatementView:
    """One statement; main scope or the supplier's own. Raises `NotFound`."""
    given = {"supplier": supplier_id, "id": statement_id}
    row = db.session.execute(_ONE, given).mappings().first()
    if row is None:
        raise NotFound("statement_unknown", _l("没有这张对账单"))
    return StatementView(**row)


def statements_of(supplier_id: int) -> list[StatementView]:
    """Newest first; main scope or the supplier's own."""
    rows = db.session.execute(_LIST, {"supplier": supplier_id}).mappings()
    return [StatementView(**row) for row in rows]


def lines_of(one: StatementView, skip: int = 0, limit: int = PAGE) -> list[StatementLine]:
    """Postings of the period in order of time; main scope or the supplier's own."""
    span = _span(one.period_from, one.period_until)
    given = {"supplier": one.supplier_id, "skip": skip, "limit": limit, **span}
    return [StatementLine(**row) for row in db.session.execute(_LINES, given).mappings()]


def statement_sheet(one: StatementView, kind: str) -> tuple[str, str, bytes]:
    """File name, media type and content with every line; `kind` is csv or xlsx."""
    head = [_("时间"), _("用途"), _("采购单号"), _("内容"), _("金额（元）")]
    rows: list[Sequence[str]] = [head]
    rows += [
        (
            line.at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
            str(KIND_WORDS.get(line.kind, line.kind)), line.purchase_no, line.title,
            _signed(line.amount),
        )
        for line in lines_of(one, 0, MOST_LINES)
    ]  # fmt: skip
    for word, amount in (
        (_("期初应付"), one.opening), (_("采购成本"), one.purchases), (_("供货退回"), one.refunds),
        (_("已付款"), one.payments), (_("期末应付"), one.closing),
    ):  # fmt: skip
        rows.append((word, "", "", "", _signed(amount)))
    name = f"statement-{one.period_from}-{one.period_until}.{kind}"
    if kind == "csv":
        return name, "text/csv; charset=utf-8", sheets.write_csv(rows)
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return name, media, sheets.write_xlsx(rows, "statement")


def answer_statement(
    supplier_id: int, statement_id: int, *, agrees: bool, total: int | None, comment: str, who: str
) -> None:
    """A supplier confirms, or disputes with the total of its own books. Opens its scope.

    Raises `DomainError("total_missing")`, `Conflict("statement_confirmed")`.
    """
    comment = " ".join(comment.split())[:300]
    if not agrees and (total is None or len(comment) < 2):
        raise DomainError(
            "total_missing", _l("有异议时请写明您方的合计和差在哪里"), 422, field="total"
        )
    with supplier_scope(supplier_id):
        one = statement(supplier_id, statement_id)
        own = one.purchases - one.refunds
        given = {
            "supplier": supplier_id, "id": statement_id, "comment": comment, "who": who,
            "state": "confirmed" if agrees else "disputed", "total": own if agrees else total,
        }  # fmt: skip
        if db.session.scalar(_ANSWER, given) is None:
            raise Conflict("statement_confirmed", _l("这张对账单已经确认过"))
        db.session.commit()
    detail = {"statement": statement_id, "state": given["state"], "amount": given["total"]}
    note(supplier_id, "statement.answer", detail)


def set_their_total(
    supplier_id: int, statement_id: int, total: int, actor: str, ip: str = ""
) -> None:
    """What the supplier's own bill comes to, typed in by staff. Main scope."""
    given = {"supplier": supplier_id, "id": statement_id, "total": total}
    if db.session.scalar(_TOTAL, given) is None:
        raise NotFound("statement_unknown", _l("没有这张对账单"))
    detail = {"statement": statement_id, "amount": total}
    audit(actor, "statement.their_total", f"supplier:{supplier_id}", detail, ip)
    db.session.commit()


def _signed(amount: int) -> str:
    return f"-{cost_text(-amount)}" if amount < 0 else cost_text(amount)


def _span(first: date, last: date) -> dict[str, datetime]:
    return {
        "start": datetime(first.year, first.month, first.day, tzinfo=CHINA),
        "end": datetime(last.year, last.month, last.day, tzinfo=CHINA) + timedelta(days=1),
    }
