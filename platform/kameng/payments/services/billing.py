"""Bills of the gateways: which are due, fetching them, comparing them again.

A bill is fetched once and kept as it came. The plugin is called outside of every transaction; the
functions that call it open their own scopes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import text

from kameng.db import db, main_scope, run
from kameng.payments.domain import next_bill_delay
from kameng.plugins import api as plugins
from kameng.stock.api import close_alert, raise_alert
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine, BillResult, PaymentCapability

CHINA = ZoneInfo("Asia/Shanghai")
ALERT, SUBJECT = "reconciliation", "differences"
MOST_DAYS_BACK = 14  # missed days that are made up for
TRIES_BEFORE_EMPTY = 9  # by then most of a day has gone by
AGAIN_DAYS = 7  # bills of these days are compared again every day

log = logging.getLogger(__name__)

ACCOUNTS_SQL = text("""
    SELECT station_id, plugin_id, account FROM station_plugin
     WHERE enabled AND plugin_id LIKE 'payment-%'
    UNION
    SELECT account_station_id, plugin_id, account FROM payment_attempt
     WHERE state = 'succeeded' AND paid_at >= :since AND plugin_id <> 'payment-balance'
     ORDER BY 1, 2, 3
""")
LAST_SQL = text("""
    SELECT max(day) FROM bill WHERE station_id = :station AND plugin_id = :plugin
       AND account = :account AND day <= :day
""")
PLAN_SQL = text("""
    INSERT INTO bill(station_id, plugin_id, account, day)
    VALUES (:station, :plugin, :account, :day) ON CONFLICT DO NOTHING
""")
CLAIM_SQL = text("""
    UPDATE bill SET tries = tries + 1, next_try_at = now() + :delay
     WHERE station_id = :station AND id = :id AND state = 'due' AND next_try_at <= now() + :early
 RETURNING plugin_id, account, day, tries
""")
EMPTY_SQL = text("""
    SELECT b.tries >= :tries AND NOT EXISTS (
      SELECT 1 FROM payment_attempt a
       WHERE a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id
         AND a.account = b.account AND a.state = 'succeeded'
         AND (a.paid_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN b.day - 1 AND b.day + 1)
       AND NOT EXISTS (
      SELECT 1 FROM refund r JOIN payment_attempt a
          ON a.station_id = r.station_id AND a.id = r.attempt_id
       WHERE a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id
         AND a.account = b.account AND r.done_at IS NOT NULL
         AND (r.done_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN b.day - 1 AND b.day + 1)
      FROM bill b WHERE b.station_id = :station AND b.id = :id
""")
LINE_SQL = text("""
    INSERT INTO bill_line(station_id, bill_id, n, kind, attempt_no, provider_ref, refund_no,
      refund_ref, amount, fee, done, at)
    VALUES (:station_id, :bill_id, :n, :kind, :attempt_no, :provider_ref, :refund_no, :refund_ref,
      :amount, :fee, :done, :at)
""")
FETCHED_SQL = text("""
    UPDATE bill SET state = 'fetched', lines = :lines, collected = :collected,
      refunded = :refunded, fee = :fee, message = '', fetched_at = now(), next_try_at = now()
     WHERE station_id = :station AND id = :id AND state = 'due'
""")


class Biller(Protocol):
    """What this file needs of a bound provider."""

    @property
    def capabilities(self) -> PaymentCapability:
        """All that the provider supports."""
        ...

    def bill(self, day: date) -> plugins.Answer[BillResult]:
        """The gateway's list of a day."""
        ...


FindBiller = Callable[[int, str, str], Biller]  # whose account, plugin, account


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing a bill has changed; `fee_moved` at scale 4."""

    opened: int
    closed: int
    fee_moved: int


def biller(holder: int, plugin_id: str, account: str) -> plugins.BoundProvider:
    """The provider of one account at a gateway; raises `PluginUnavailable`."""
    return plugins.provider(holder, plugin_id, holder=holder, account=account)


def yesterday(now: datetime | None = None) -> date:
    """The day before this one by the clock in China: the newest day gateways have a bill of."""
    return (now or datetime.now(UTC)).astimezone(CHINA).date() - timedelta(days=1)


def plan_bills(day: date, find: FindBiller = biller) -> int:
    """Note the bills of a day as due, and of days before that were missed; returns how many.

    Every account that is switched on or was paid at lately, if its plugin can give bills; days
    without movement too. Opens its own scopes.
    """
    with main_scope(reason="bills"):
        since = datetime.now(UTC) - timedelta(days=2)
        accounts = [tuple(row) for row in db.session.execute(ACCOUNTS_SQL, {"since": since})]
    able = [account for account in accounts if _gives_bills(find, *account)]
    planned = 0
    with main_scope(reason="bills"):
        for station, plugin, account in able:
            given = {"station": station, "plugin": plugin, "account": account}
            last = db.session.scalar(LAST_SQL, {**given, "day": day})
            for missed in _days(last, day):
                done: Any = db.session.execute(PLAN_SQL, {**given, "day": missed})
                planned += done.rowcount
        db.session.commit()
    return planned


def _days(last: date | None, day: date) -> list[date]:
    first = max(last + timedelta(days=1), day - timedelta(days=MOST_DAYS_BACK)) if last else day
    return [first + timedelta(days=n) for n in range((day - first).days + 1)] or [day]


def _gives_bills(find: FindBiller, station: int, plugin: str, account: str) -> bool:
    try:
        return PaymentCapability.BILL in find(station, plugin, account).capabilities
    except plugins.PluginUnavailable:
        return False


def due_bills(day: date | None = None, limit: int = 100) -> list[tuple[int, int]]:
    """Bills to be fetched now, as (station, id), of one day or of all (main scope)."""
    query = "SELECT station_id, id FROM bill WHERE state = 'due' AND "
    query += "day = :day" if day else "next_try_at <= now()"
    rows = db.session.execute(
        text(f"{query} ORDER BY day, id LIMIT :limit"), {"day": day, "limit": limit}
    )
    return [(row[0], row[1]) for row in rows]


def fetch_bill(station_id: int, bill_id: int, find: FindBiller = biller, now: bool = False) -> str:
    """Ask for a bill, keep it and compare it; returns compared, due (asked again later), not_due.

    `now`: a person does not wait for the time of the next try. Opens its own scopes.
    """
    with main_scope(reason="bills"):
        tries = db.session.scalar(
            text("SELECT tries FROM bill WHERE station_id = :s AND id = :i"),
            {"s": station_id, "i": bill_id},
        )
        given = {"station": station_id, "id": bill_id, "delay": next_bill_delay(tries or 0)}
        given["early"] = timedelta(days=1) if now else timedelta(0)
        row = db.session.execute(CLAIM_SQL, given).one_or_none()
        db.session.commit()
    if row is None:
        return "not_due"
    try:
        answer = find(station_id, row.plugin_id, row.account).bill(row.day)
    except plugins.PluginUnavailable as error:
        return _later(station_id, bill_id, str(error))
    if answer.outcome is not Outcome.SUCCEEDED or answer.value is None:
        said = answer.value.message if answer.value is not None else ""
        return _later(station_id, bill_id, said or answer.message or answer.outcome.value)
    _keep(station_id, bill_id, answer.value.lines)
    compare_bill(station_id, bill_id)
    return "compared"


def _later(station_id: int, bill_id: int, message: str) -> str:
    """Not ready. Some gateways never have a bill of a day on which nothing moved: after most of a
    day without one, and with no movement of ours, that is what it was.
    """
    if _nothing_moved(station_id, bill_id):
        _keep(station_id, bill_id, ())
        compare_bill(station_id, bill_id)
        return "compared"
    log.info("bill not ready station=%d bill=%d message=%s", station_id, bill_id, message[:120])
    with main_scope(reason="bills"):
        db.session.execute(
            text("UPDATE bill SET message = :m WHERE station_id = :s AND id = :i"),
            {"m": message[:300], "s": station_id, "i": bill_id},
        )
        db.session.commit()
    return "due"


def _nothing_moved(station_id: int, bill_id: int) -> bool:
    with main_scope(reason="bills"):
        given = {"station": station_id, "id": bill_id, "tries": TRIES_BEFORE_EMPTY}
        return bool(db.session.scalar(EMPTY_SQL, given))


def _keep(station_id: int, bill_id: int, lines: Sequence[BillLine]) -> None:
    """Store a bill whole, in one transaction; a second one of the same day changes nothing."""
    rows = [_row(station_id, bill_id, n, line) for n, line in enumerate(lines, 1)]
    moved = [row for row in rows if row["done"]]
    sums = {
        "collected": sum(row["amount"] for row in moved if row["kind"] == "payment"),
        "refunded": sum(row["amount"] for row in moved if row["kind"] == "refund"),
        "fee": sum((row["fee"] or 0) * (1 if row["kind"] == "payment" else -1) for row in moved),
    }
    with main_scope(reason="bills"):
        given = {"station": station_id, "id": bill_id, "lines": len(rows), **sums}
        done: Any = db.session.execute(FETCHED_SQL, given)
        if done.rowcount and rows:
            db.session.execute(LINE_SQL, rows)
        db.session.commit()


def _row(station_id: int, bill_id: int, n: int, line: BillLine) -> dict[str, Any]:
    return {
        "station_id": station_id, "bill_id": bill_id, "n": n,
        "kind": "refund" if line.is_refund else "payment", "attempt_no": line.attempt_no,
        "provider_ref": line.provider_ref, "refund_no": line.refund_no,
        "refund_ref": line.refund_ref, "amount": line.amount.amount,
        "fee": line.fee.amount if line.fee is not None else None, "done": line.done, "at": line.at,
    }  # fmt: skip


def compare_bill(station_id: int, bill_id: int) -> Compared:
    """Compare a fetched bill, and the day before it again: clocks differ around midnight.

    Opens its own scope.
    """
    with main_scope(reason="bills"):
        row = run("compare_bill", p_station=station_id, p_id=bill_id)[0]
        before = db.session.execute(
            text(
                "SELECT p.id FROM bill b JOIN bill p ON p.station_id = b.station_id"
                " AND p.plugin_id = b.plugin_id AND p.account = b.account AND p.day = b.day - 1"
                " AND p.state <> 'due' WHERE b.station_id = :s AND b.id = :i"
            ),
            {"s": station_id, "i": bill_id},
        ).scalar()
        if before is not None:
            run("compare_bill", p_station=station_id, p_id=before)
        watch_differences()
        db.session.commit()
    return Compared(row["opened"], row["closed"], row["fee_moved"])


def compare_again() -> int:
    """Compare the bills of the last days once more; returns how many. Opens its own scopes."""
    with main_scope(reason="bills"):
        rows = db.session.execute(
            text(
                "SELECT station_id, id FROM bill WHERE state <> 'due' AND (day >= :day OR EXISTS"
                " (SELECT 1 FROM bill_difference d WHERE d.station_id = bill.station_id"
                "   AND d.bill_id = bill.id AND d.state = 'open')) ORDER BY day LIMIT 500"
            ),
            {"day": yesterday() - timedelta(days=AGAIN_DAYS)},
        ).all()
    for station_id, bill_id in rows:
        compare_bill(station_id, bill_id)
    return len(rows)


def watch_differences() -> int:
    """One alert while differences are open (open main scope); returns how many are."""
    query = "SELECT count(*) FROM bill_difference WHERE state = 'open'"
    number = int(db.session.scalar(text(query)) or 0)
    if number:
        raise_alert(ALERT, SUBJECT, "bills differ", {"open": number})
    else:
        close_alert(ALERT, SUBJECT)
    return number
