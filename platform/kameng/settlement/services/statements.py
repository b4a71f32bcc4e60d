"""Statements straight from the postings, and what a station has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng import sheets
from kameng.db import db, run
from kameng.errors import NotFound
from kameng.settlement.domain import ACCOUNTS, CHINA, Period, period

LINES = 50
MOST_LINES = 100_000

ACCOUNT_WORDS: dict[str, Any] = {
    "available": _l("可提现"),
    "margin_pending": _l("待结算"),
    "prepaid": _l("预存款"),
    "deposit": _l("保证金"),
    "frozen": _l("提现中"),
}
KIND_WORDS: dict[str, Any] = {
    "sale.margin": _l("订单利润"),
    "return.margin": _l("退款退回利润"),
    "settle.release": _l("到期结算"),
    "settle.fee": _l("平台服务费"),
    "settle.fee_return": _l("退回服务费"),
    "settle.gateway_fee": _l("支付手续费"),
    "withdraw.hold": _l("申请提现"),
    "withdraw.pay": _l("提现到账"),
    "withdraw.fee": _l("提现手续费"),
    "withdraw.return": _l("提现退回"),
    "payment.collect": _l("充值"),
    "fund.order": _l("预存款付货款"),
    "fund.return": _l("货款退回预存款"),
    "return.prepaid": _l("退款退回预存款"),
    "wallet.bonus": _l("充值赠送"),
}


@dataclass(frozen=True, slots=True)
class Funds:
    """What a station has now, scale 4. `available` below zero is a debt from refunds."""

    pending: int
    available: int
    frozen: int
    prepaid: int
    deposit: int
    withdrawn: int
    deposit_required: int
    next_release_at: datetime | None

    @property
    def deposit_missing(self) -> int:
        """What has to be paid in before a withdrawal."""
        return max(0, self.deposit_required - self.deposit)


@dataclass(frozen=True, slots=True)
class Flow:
    """What came to (above zero) or left an account in a period, of one kind."""

    kind: str
    amount: int
    lines: int


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """One account in a period: opening plus all flows is closing."""

    account: str
    opening: int
    flows: Sequence[Flow]

    @property
    def came(self) -> int:
        """All that came in."""
        return sum(flow.amount for flow in self.flows if flow.amount > 0)

    @property
    def left(self) -> int:
        """All that went out, as a number above zero."""
        return -sum(flow.amount for flow in self.flows if flow.amount < 0)

    @property
    def closing(self) -> int:
        """What is in it at the end."""
        return self.opening + self.came - self.left


@dataclass(frozen=True, slots=True)
class Statement:
    """All accounts of a station in a period."""

    station_id: int
    period: Period
    accounts: Sequence[AccountStatement]

    @property
    def lines(self) -> int:
        """How many lines there are in all."""
        return sum(flow.lines for account in self.accounts for flow in account.flows)


@dataclass(frozen=True, slots=True)
class Line:
    """One posting on one account, `amount` signed."""

    id: int
    at: datetime
    account: str
    kind: str
    amount: int
    seller_id: int
    order_no: str | None
    txn: str


@dataclass(frozen=True, slots=True)
class SettledDay:
    """What a day's releases brought, and what is to come on a day."""

    day: Any
    orders: int
    margin: int
    returned: int
    fee: int
    gateway_fee: int
    state: str


_DAYS = text("""
    SELECT (coalesce(released_at, due_at) AT TIME ZONE 'Asia/Shanghai')::date AS day, state,
           count(*) AS orders, sum(margin)::bigint AS margin, sum(returned)::bigint AS returned,
           sum(fee)::bigint AS fee, sum(gateway_fee)::bigint AS gateway_fee
      FROM settlement WHERE station_id = :station GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT :limit
""")


def funds(station_id: int) -> Funds:
    """What a station has, for its own console or the main one."""
    return Funds(**run("settlement_funds", p_station=station_id)[0])


def statement(station_id: int, key: str) -> Statement:
    """The statement of a day (2026-11-25) or a month (2026-11); raises `NotFound`."""
    chosen = _period(key)
    rows = run("statement_sums", p_station=station_id, p_from=chosen.start, p_to=chosen.end)
    opening = {row["account"]: int(row["amount"]) for row in rows if not row["kind"]}
    flows: dict[str, list[Flow]] = {}
    for row in sorted(rows, key=lambda row: (row["amount"] < 0, row["kind"])):
        if row["kind"]:
            flow = Flow(row["kind"], int(row["amount"]), int(row["lines"]))
            flows.setdefault(row["account"], []).append(flow)
    shown = [AccountStatement(name, opening.get(name, 0), flows.get(name, [])) for name in ACCOUNTS]
    return Statement(station_id, chosen, shown)


def statement_lines(
    station_id: int, key: str, offset: int = 0, limit: int = LINES
) -> Sequence[Line]:
    """Every posting of the period on the station's accounts, oldest first."""
    chosen = _period(key)
    rows = run(
        "statement_lines", p_station=station_id, p_from=chosen.start, p_to=chosen.end,
        p_offset=offset, p_limit=limit,
    )  # fmt: skip
    return [Line(**row) for row in rows]


def statement_sheet(station_id: int, key: str, kind: str) -> tuple[str, str, bytes]:
    """(file name, media type, content) of a statement as `csv` or `xlsx`; raises `NotFound`."""
    whole = statement(station_id, key)
    rows = [[str(cell) for cell in row] for row in _sheet(whole)]
    name = f"statement-{station_id}-{key}.{kind}"
    if kind == "csv":
        return name, "text/csv; charset=utf-8", sheets.write_csv(rows)
    if kind == "xlsx":
        media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return name, media, sheets.write_xlsx(rows, key)
    raise NotFound("sheet_unknown", _l("没有这种格式。"))


def settled_days(station_id: int, limit: int = 60) -> Sequence[SettledDay]:
    """Releases by day, newest first; days to come are `pending`."""
    rows = db.session.execute(_DAYS, {"station": station_id, "limit": limit})
    return [SettledDay(**row) for row in rows.mappings()]


def kind_word(kind: str) -> str:
    """What a posting was for, in the reader's language."""
    if kind.startswith("adjust."):
        return str(_("调账"))
    return str(KIND_WORDS.get(kind, kind))


def signed(amount: int) -> str:
    """An amount at scale 4 as plain text for sheets: `-12.3400`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 10_000}.{abs(amount) % 10_000:04d}"


def _sheet(whole: Statement) -> list[list[str]]:
    head = [_("时间"), _("账户"), _("用途"), _("收入"), _("支出"), _("订单号"), _("流水号")]
    rows = [head]
    for one in whole.accounts:
        rows.append(["", _account(one.account), _("期初"), signed(one.opening), "", "", ""])
    for line in statement_lines(whole.station_id, whole.period.key, 0, MOST_LINES):
        at = line.at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
        came, left = (signed(line.amount), "") if line.amount > 0 else ("", signed(-line.amount))
        rows.append(
            [at, _account(line.account), kind_word(line.kind), came, left, line.order_no or "",
             f"T{line.id}"]
        )  # fmt: skip
    for one in whole.accounts:
        rows.append(["", _account(one.account), _("期末"), signed(one.closing), "", "", ""])
    return rows


def _account(name: str) -> str:
    return str(ACCOUNT_WORDS[name])


def _period(key: str) -> Period:
    chosen = period(key)
    if chosen is None:
        raise NotFound("period_unknown", _l("没有这个账期，日期写成 2026-11-25 或 2026-11。"))
    return chosen
