"""Ask everybody outside about what the database has forgotten, and end the mode when all have said.

These functions open their own scopes: between rows lie calls to the outside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text

from kameng import recovery
from kameng.db import db, main_scope, run
from kameng.identity.api import audit
from kameng.ops.recovering import reading
from kameng.payments import api as payments
from kameng.stock.api import close_alert, raise_alert
from kameng.supply import api as supply

CHINA = ZoneInfo("Asia/Shanghai")
BATCH = 200
ALERT, SUBJECT = "recovery", "mode"
NO_ANSWER = ("unavailable", "unknown")
WATCHED_DAYS = 5  # bills and late notices tell of forgotten payments for so long

log = logging.getLogger("kameng.recovery")

_WAITING = text(
    "SELECT q.id, q.kind, q.station_id, q.subject_id, q.number FROM recovery_question q"
    " JOIN recovery r ON r.id = q.recovery_id AND r.state = 'active'"
    " WHERE q.state = 'waiting' AND q.kind IN ('payment', 'purchase', 'bill')"
    " ORDER BY q.asked_at NULLS FIRST, q.id LIMIT :limit"
)
_ANSWER = text(
    "UPDATE recovery_question SET state = CASE WHEN :known THEN 'answered' ELSE state END,"
    " answer = :answer, tries = tries + 1, asked_at = now() WHERE id = :id"
)
_ADD_BILL = text(
    "INSERT INTO recovery_question(recovery_id, kind, station_id, subject_id, number)"
    " SELECT :recovery, 'bill', b.station_id, b.id, b.plugin_id || ' ' || b.day FROM bill b"
    " WHERE b.day = :day ON CONFLICT DO NOTHING"
)
_FORGOTTEN = text(
    "SELECT n.station_id, n.attempt_no AS number, n.plugin_id, NULL::bigint AS amount"
    " FROM payment_notice n WHERE n.result = 'attempt_unknown' AND n.last_at >= :since"
    " UNION SELECT d.station_id, d.detail ->> 'attempt_no', b.plugin_id, d.theirs"
    " FROM bill_difference d JOIN bill b ON b.station_id = d.station_id AND b.id = d.bill_id"
    " WHERE d.class = 'theirs_only' AND d.kind = 'payment' AND d.attempt_id IS NULL"
    " AND d.state = 'open' AND d.opened_at >= :since"
)


def step(ask: Callable[[Row[tuple[object, ...]]], str] | None = None) -> str:
    """One round of questions; returns none, asked, or ended when the mode is over now."""
    with main_scope(reason="recovery"):
        if not recovery.active():
            return "none"
        raise_alert(ALERT, SUBJECT, "recovery mode")
        restored_to = reading.newest().restored_to  # type: ignore[union-attr]  # one is active
        db.session.commit()
    _plan_bills(restored_to)
    with main_scope(reason="recovery"):
        rows = db.session.execute(_WAITING, {"limit": BATCH}).all()
    for row in rows:
        _ask(row, ask or _said)
    watch_forgotten()
    if end("system") != "ok":
        return "asked"
    return "ended"


def end(actor: str, anyway: bool = False, ip: str = "") -> str:
    """End the mode: ok, repeat, or waiting while questions are open and not `anyway`."""
    with main_scope(reason="recovery"):
        code = str(run("end_recovery", p_actor=actor, p_anyway=anyway)[0]["code"])
        if code == "ok":
            audit(actor, "recovery.end", "recovery", {"anyway": anyway}, ip)
            close_alert(ALERT, SUBJECT)
            _report()
        db.session.commit()
    if code == "ok":
        log.warning("recovery has ended, by %s", actor)
        resume()
    return code


def resume(limit: int = 500) -> int:
    """Paid orders that waited for the end go on; returns how many."""
    total = 0
    while True:
        with main_scope(reason="after recovery"):
            resumed = int(run("resume_paid_orders", p_limit=limit)[0]["resumed"])
            db.session.commit()
        total += resumed
        if resumed < limit:
            return total


def watch_forgotten() -> int:
    """Alerts for money of payments that the database has forgotten; returns how many."""
    with main_scope(reason="recovery"):
        last = reading.newest()
        if last is None or last.age > timedelta(days=WATCHED_DAYS):
            return 0
        rows = db.session.execute(_FORGOTTEN, {"since": last.began_at}).all()
        for row in rows:
            detail = {"attempt_no": row.number, "plugin": row.plugin_id, "amount": row.amount}
            raise_alert("recovery_payment", f"attempt:{row.number}", "unknown payment", detail)
        db.session.commit()
    return len(rows)


def let_go_on(station_id: int, order_id: int, actor: str, ip: str = "") -> bool:
    """A person has looked it up: nothing was bought for the order, it may be (main scope)."""
    done = run("let_order_go_on", p_station=station_id, p_order=order_id, p_actor=actor)
    fresh = bool(done[0]["code"] == "ok")
    if fresh:
        audit(actor, "recovery.order", f"order:{order_id}", {}, ip, station_id=station_id)
    db.session.commit()
    return fresh


def _ask(row: Row[tuple[object, ...]], ask: Callable[[Row[tuple[object, ...]]], str]) -> None:
    try:
        answer = ask(row)
    except Exception:
        log.exception("question %s %s", row.kind, row.number)
        answer = "unavailable"
    with main_scope(reason="recovery"):
        known = answer not in NO_ANSWER
        db.session.execute(_ANSWER, {"id": row.id, "known": known, "answer": answer[:60]})
        db.session.commit()


def _said(row: Row[tuple[object, ...]]) -> str:
    """What the outside says about one thing, in a word."""
    if row.kind == "payment":
        return payments.query_attempt(row.station_id, row.subject_id)
    if row.kind == "purchase":
        return supply.ask_about(row.station_id, row.subject_id)
    said = payments.fetch_bill(row.station_id, row.subject_id, now=True)
    return {"due": "unavailable"}.get(said, said)


def _plan_bills(restored_to: datetime) -> None:
    """Bills of the days that are over since; today's come tomorrow, with the others."""
    day: date = restored_to.astimezone(CHINA).date()
    while day <= payments.yesterday():
        payments.plan_bills(day)
        with main_scope(reason="recovery"):
            last = reading.newest()
            if last is not None:
                db.session.execute(_ADD_BILL, {"recovery": last.id, "day": day})
            db.session.commit()
        day += timedelta(days=1)


def _report() -> None:
    """One alert that says what came of it; the console has the rest."""
    last = reading.newest()
    if last is not None:
        detail = {**last.counts, "orders_for_a_person": last.orders_waiting}
        raise_alert("recovery_report", f"recovery:{last.id}", "recovery has ended", detail)
