"""The worklist of reconciliation: bills, differences, and the deeds that end a difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text, update

from kameng.db import db, main_scope, run
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit, on_decision
from kameng.payments.models import Refund
from kameng.payments.services import billing
from kameng.payments.services.applying import apply_payment
from kameng.payments.services.refunding import send_refund
from kameng.plugins import api as plugins
from kameng_sdk.outcomes import Outcome

Finder = billing.FindBiller

BILLS_SQL = text("""
    SELECT b.station_id, b.id, s.name AS station, b.plugin_id, b.account, b.day, b.state, b.lines,
           b.collected, b.refunded, b.fee, b.fee_posted, b.message, b.tries, b.next_try_at,
           b.compared_at, o.collected AS our_collected, o.refunded AS our_refunded,
           coalesce(d.counts, '{}') AS counts, coalesce(d.open, 0) AS open
      FROM bill b JOIN station s ON s.id = b.station_id
      LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(x.class, x.n) AS counts, sum(x.open)::int AS open FROM (
          SELECT class, count(*) AS n, count(*) FILTER (WHERE state = 'open') AS open
            FROM bill_difference WHERE station_id = b.station_id AND bill_id = b.id GROUP BY 1) x
      ) d ON true
      LEFT JOIN LATERAL (
        SELECT coalesce(sum(x.amount) FILTER (WHERE x.amount > 0), 0)::bigint AS collected,
               coalesce(-sum(x.amount) FILTER (WHERE x.amount < 0), 0)::bigint AS refunded FROM (
          SELECT a.amount FROM payment_attempt a
           WHERE a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id
             AND a.account = b.account AND a.state = 'succeeded'
             AND a.paid_at >= b.day::timestamp AT TIME ZONE 'Asia/Shanghai'
             AND a.paid_at < (b.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
          UNION ALL
          SELECT a.amount FROM refund r
            JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
           WHERE a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id
             AND a.account = b.account AND r.reason = 'paid_twice'
             AND r.provider_ref <> a.provider_ref
             AND r.created_at >= b.day::timestamp AT TIME ZONE 'Asia/Shanghai'
             AND r.created_at < (b.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
          UNION ALL
          SELECT -r.amount FROM refund r
            JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
           WHERE a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id
             AND a.account = b.account AND r.state = 'succeeded' AND r.by_hand = ''
             AND r.done_at >= b.day::timestamp AT TIME ZONE 'Asia/Shanghai'
             AND r.done_at < (b.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai') x
      ) o ON true
     WHERE (CAST(:station AS bigint) IS NULL OR b.station_id = :station)
       AND (CAST(:bill AS bigint) IS NULL OR b.id = :bill)
       AND (CAST(:day AS date) IS NULL OR b.day = :day)
     ORDER BY b.day DESC, b.station_id, b.plugin_id, b.account LIMIT :limit
""")
DIFFERENCES_SQL = text("""
    SELECT d.station_id, d.id, d.bill_id, b.plugin_id, b.account, b.day, d.class AS class_,
           d.kind, d.key, d.seller_id, d.attempt_id, d.refund_id, d.ours, d.theirs, d.detail,
           d.posted, d.asked_as, d.state, d.resolution, d.note, d.opened_at, d.resolved_at,
           d.resolved_by, o.order_no, r.refund_no, coalesce(r.state, '') AS refund_state,
           EXISTS (SELECT 1 FROM approval p WHERE p.station_id = d.station_id
             AND p.kind = 'bill_difference' AND p.subject = d.asked_as
             AND p.state = 'waiting') AS asked
      FROM bill_difference d JOIN bill b ON b.station_id = d.station_id AND b.id = d.bill_id
      LEFT JOIN payment_attempt a ON a.station_id = d.seller_id AND a.id = d.attempt_id
      LEFT JOIN orders o ON o.station_id = a.station_id AND o.id = a.order_id
      LEFT JOIN refund r ON r.station_id = d.seller_id AND r.id = d.refund_id
     WHERE (CAST(:state AS text) IS NULL OR d.state = :state)
       AND (CAST(:station AS bigint) IS NULL OR d.station_id = :station)
       AND (CAST(:bill AS bigint) IS NULL OR d.bill_id = :bill)
       AND (CAST(:id AS bigint) IS NULL OR d.id = :id)
     ORDER BY d.state, b.day DESC, d.id DESC LIMIT :limit
""")
REFUSALS = {
    "not_found": _l("没有这条差异。"),
    "repeat": _l("这条差异已经处理过了。"),
    "bad_state": _l("现在不能这样处理这条差异。"),
    "note_missing": _l("请写明原因，会写进审计日志"),
    "not_ours": _l("分站自己的收款账户不进主站账本，不能记差额。"),
    "attempt_unknown": _l("我方没有这个支付单号，不能入账。"),
    "not_paid": _l("渠道说这笔没有付款，没有入账。"),
    "not_answered": _l("渠道没有说清，请稍后再试。"),
    "not_applied": _l("渠道确认已付款，但没有能入账，请看支付单。"),
    "refund_unknown": _l("我方没有这张退款单。"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BillView:
    """A day at an account beside the books. Amounts at scale 4; `counts` by class."""

    station_id: int
    id: int
    station: str
    plugin_id: str
    account: str
    day: date
    state: str
    lines: int
    collected: int
    refunded: int
    fee: int
    fee_posted: int
    message: str
    tries: int
    next_try_at: datetime | None
    compared_at: datetime | None
    our_collected: int
    our_refunded: int
    counts: dict[str, int]
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceView:
    """One line of the worklist. `ours` and `theirs` at scale 4, None where there is nothing."""

    station_id: int
    id: int
    bill_id: int
    plugin_id: str
    account: str
    day: date
    class_: str
    kind: str
    key: str
    seller_id: int | None
    attempt_id: int | None
    refund_id: int | None
    ours: int | None
    theirs: int | None
    detail: dict[str, Any]
    posted: int
    asked_as: str
    state: str
    resolution: str
    note: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    order_no: str | None
    refund_no: str | None
    refund_state: str
    asked: bool

    @property
    def at(self) -> datetime | None:
        """When it happened, by whoever has it."""
        said = self.detail.get("at")
        return datetime.fromisoformat(str(said)) if said else None

    @property
    def deeds(self) -> list[str]:
        """What may be done about it, the likeliest first."""
        if self.state != "open":
            return []
        chosen = {
            ("theirs_only", "payment"): ["apply"],
            ("ours_only", "payment"): ["ask", "later", "held"],
            ("ours_only", "refund"): ["ask", "later", "held"],
        }.get((self.class_, self.kind), [])
        if self.kind == "refund" and self.refund_state in ("created", "sent", "unknown"):
            chosen = ["ask_refund"]
        elif self.kind == "refund" and self.refund_state == "declined":
            chosen = ["retry_refund"]
        elif self.class_ == "state":
            chosen = ["ask", "later", "held"]
        if self.station_id == 1 and not self.asked:
            chosen = [*chosen, "post"]
        return [*chosen, "ignored"]


def bills(
    station_id: int | None = None,
    bill_id: int | None = None,
    day: date | None = None,
    limit: int = 120,
) -> list[BillView]:
    """Bills with their sums and ours, newest day first (main scope)."""
    given = {"station": station_id, "bill": bill_id, "day": day, "limit": limit}
    return [BillView(**row) for row in db.session.execute(BILLS_SQL, given).mappings()]


def differences(
    state: str | None = "open", station_id: int | None = None, bill_id: int | None = None,
    limit: int = 300,
) -> list[DifferenceView]:  # fmt: skip
    """The worklist, open ones first (main scope)."""
    return _differences(state=state, station=station_id, bill=bill_id, limit=limit)


def difference(station_id: int, difference_id: int) -> DifferenceView:
    """One difference (main scope); raises `NotFound`."""
    found = _differences(station=station_id, id=difference_id)
    if not found:
        raise NotFound("difference_unknown", REFUSALS["not_found"])
    return found[0]


def _differences(**asked: Any) -> list[DifferenceView]:
    given = {"state": None, "station": None, "bill": None, "id": None, "limit": 1, **asked}
    return [DifferenceView(**row) for row in db.session.execute(DIFFERENCES_SQL, given).mappings()]


def close_difference(
    station_id: int, difference_id: int, resolution: str, note: str, actor: str, ip: str = ""
) -> None:
    """End one by a word: later, held or ignored (the latter two need a note). Main scope."""
    if resolution not in ("later", "held", "ignored"):
        raise NotFound("difference_unknown", REFUSALS["not_found"])
    _close(station_id, difference_id, resolution, note, actor, ip)


def _close(
    station_id: int, difference_id: int, resolution: str, note: str, actor: str, ip: str
) -> None:
    code = run(
        "resolve_difference", p_station=station_id, p_id=difference_id, p_resolution=resolution,
        p_note=note[:300], p_actor=actor,
    )[0]["code"]  # fmt: skip
    if code != "ok":
        db.session.rollback()
        raise _refusal(code)
    audit(
        actor, f"bill.{resolution}", f"difference:{difference_id}", {"note": note[:300]}, ip,
        station_id=station_id,
    )  # fmt: skip
    billing.watch_differences()
    db.session.commit()


def request_posting(
    station_id: int, difference_id: int, note: str, actor: str, ip: str = ""
) -> None:
    """Ask for the difference to be taken into the books; a second person decides. Main scope."""
    given = {"p_station": station_id, "p_id": difference_id, "p_note": note[:300], "p_actor": actor}
    code = run("request_difference", **given)[0]["code"]
    if code != "ok":
        db.session.rollback()
        raise _refusal(code)
    subject = f"difference:{difference_id}"
    audit(actor, "bill.request", subject, {"note": note[:300]}, ip, station_id=station_id)
    db.session.commit()


def post_difference(station_id: int, subject: str, approved: bool) -> None:
    """What follows on the second person's word; runs in the vote's transaction."""
    if approved:
        number = int(subject.partition(":")[0])
        code = run("post_difference", p_station=station_id, p_id=number)[0]["code"]
        if code == "bad_state":
            raise _refusal(code)
        billing.watch_differences()


on_decision("bill_difference", post_difference)


def apply_difference(
    station_id: int, difference_id: int, actor: str, ip: str = "",
    find: Finder = billing.biller,
) -> str:  # fmt: skip
    """Ask the gateway about a payment only it knows, and take it in; returns apply_payment's code.

    Opens its own scopes. Raises `DomainError` when it is not paid, unknown or not answered: then
    the difference stays open.
    """
    found = _read(station_id, difference_id, "theirs_only", "payment")
    if found.attempt_id is None or found.seller_id is None:
        raise _refusal("attempt_unknown")
    number, ref = str(found.detail["attempt_no"]), str(found.detail["provider_ref"])
    answer = _provider(found, find).query(number, ref)
    paid = answer.value
    if answer.outcome is Outcome.DECLINED:
        raise _refusal("not_paid")
    if answer.outcome is not Outcome.SUCCEEDED or paid is None or paid.amount is None:
        raise _refusal("not_answered")
    code = apply_payment(
        found.seller_id, found.plugin_id, number, paid.amount.amount, paid.provider_ref or ref,
        "bill", currency=paid.amount.currency, holder=station_id, account=found.account,
    )  # fmt: skip
    if code in ("amount_mismatch", "currency_mismatch", "reference_taken", "attempt_unknown"):
        raise _refusal("not_applied")
    with main_scope(reason="reconcile"):
        _close(station_id, difference_id, "applied", code, actor, ip)
    billing.compare_bill(station_id, found.bill_id)
    return code


def ask_about(station_id: int, difference_id: int, find: Finder = billing.biller) -> str:
    """What the gateway says now about a payment; changes nothing. Opens its own scopes."""
    found = _read(station_id, difference_id)
    number, ref = str(found.detail.get("attempt_no", "")), str(found.detail.get("provider_ref", ""))
    if found.attempt_id is None or not number:
        raise _refusal("attempt_unknown")
    return str(_provider(found, find).query(number, ref).outcome.value)


def push_refund_again(station_id: int, difference_id: int, actor: str, ip: str = "") -> str:
    """Ask about a refund, or try a declined one again under its number; returns its state.

    Opens its own scopes.
    """
    found = _read(station_id, difference_id, kind="refund")
    if found.refund_id is None or found.seller_id is None or found.refund_no is None:
        raise _refusal("refund_unknown")
    with main_scope(reason="reconcile"):
        if found.refund_state == "declined":
            given = {"p_refund_no": found.refund_no, "p_actor": actor}
            run("retry_refund", p_station=found.seller_id, **given)
        elif found.refund_state in ("sent", "unknown"):
            due = update(Refund).where(
                Refund.station_id == found.seller_id, Refund.id == found.refund_id
            )
            db.session.execute(due.values(state="unknown", next_try_at=datetime.now(UTC)))
        db.session.commit()
    state = send_refund(found.seller_id, found.refund_id)
    with main_scope(reason="reconcile"):
        _close(station_id, difference_id, "retried", state, actor, ip)
    billing.compare_bill(station_id, found.bill_id)
    return state


def _read(station_id: int, difference_id: int, class_: str = "", kind: str = "") -> DifferenceView:
    with main_scope(reason="reconcile"):
        found = difference(station_id, difference_id)
    if found.state != "open":
        raise _refusal("repeat")
    if (class_ and found.class_ != class_) or (kind and found.kind != kind):
        raise _refusal("bad_state")
    return found


def _provider(found: DifferenceView, find: Finder) -> Any:
    try:
        return find(found.station_id, found.plugin_id, found.account)
    except plugins.PluginUnavailable as error:
        raise _refusal("not_answered") from error


def _refusal(code: str) -> DomainError:
    if code == "not_found":
        return NotFound("difference_unknown", REFUSALS[code])
    return Conflict(code, REFUSALS.get(code, REFUSALS["bad_state"]))


def lines_of(station_id: int, bill_id: int, limit: int = 500) -> Sequence[Any]:
    """Lines of a bill as they came (main scope)."""
    query = "SELECT * FROM bill_line WHERE station_id = :s AND bill_id = :b ORDER BY n LIMIT :l"
    return list(db.session.execute(text(query), {"s": station_id, "b": bill_id, "l": limit}))
