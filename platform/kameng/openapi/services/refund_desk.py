"""Staff's side of requests for money back: who waits, yes or no, and nobody forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import current_scope, db
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.openapi.services.refund_requests import ask_again
from kameng.stock.api import close_alert, open_alerts, raise_alert
from kameng_sdk.money import Money

LATE_HOURS = 24
ALERT = "refund_request"
MOST_ANSWER = 200
MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class RefundRequestView:
    """A request with its order, as consoles list it. Amounts at scale 4."""

    station_id: int
    id: int
    request_no: str
    order_id: int
    order_no: str
    order_state: str
    order_kind: str
    product_name: str
    sku_name: str
    quantity: int
    payable: int
    refunded: int
    paid_method: str
    member_id: int
    login: str
    by_program: bool
    amount: int
    reason: str
    state: str
    answer: str
    refund_no: str
    decided_by: str
    created_at: datetime
    decided_at: datetime | None
    age_s: int

    @property
    def late(self) -> bool:
        """Whether it has waited for more than a day."""
        return self.state == "open" and self.age_s > LATE_HOURS * 3600


_ROWS = """
SELECT r.station_id, r.id, r.request_no, r.order_id, o.order_no, o.state AS order_state,
       o.kind AS order_kind, o.product_name, o.sku_name, o.quantity, o.payable, o.refunded,
       o.paid_method, r.member_id, m.login, r.api_key_id IS NOT NULL AS by_program, r.amount,
       r.reason, r.state, r.answer, r.refund_no, r.decided_by, r.created_at, r.decided_at,
       extract(epoch FROM now() - r.created_at)::int AS age_s
  FROM refund_request r JOIN orders o ON o.station_id = r.station_id AND o.id = r.order_id
  JOIN member m ON m.station_id = r.station_id AND m.id = r.member_id
"""
_ONE = text(_ROWS + " WHERE r.station_id = :station AND r.id = :id")
_OPEN = text(
    _ROWS + " WHERE r.state = 'open' AND (CAST(:station AS bigint) IS NULL"
    " OR r.station_id = :station) ORDER BY r.created_at, r.id LIMIT :most"
)
_STATION = text(
    _ROWS + " WHERE r.station_id = :station AND (CAST(:state AS text) IS NULL OR r.state = :state)"
    " AND (CAST(:before AS bigint) IS NULL OR r.id < :before) ORDER BY r.id DESC LIMIT :most"
)
_LATE = text(
    "SELECT r.station_id, r.id, o.order_no FROM refund_request r JOIN orders o"
    " ON o.station_id = r.station_id AND o.id = r.order_id WHERE r.state = 'open'"
    " AND r.created_at < now() - make_interval(hours => :hours) ORDER BY r.created_at LIMIT :most"
)


def open_refund_requests(station_id: int | None = None) -> list[RefundRequestView]:
    """Requests that wait for an answer, longest first (main scope); None: of all stations."""
    rows = db.session.execute(_OPEN, {"station": station_id, "most": MOST_LISTED}).mappings()
    return [RefundRequestView(**row) for row in rows]


def station_refund_requests(
    state: str | None = None, before: int | None = None, size: int = 30
) -> tuple[list[RefundRequestView], int | None]:
    """Requests of the scope's own members, newest first, and the key of the next page."""
    given = {
        "station": current_scope().station_id, "state": state, "before": before, "most": size + 1,
    }  # fmt: skip
    rows = [RefundRequestView(**row) for row in db.session.execute(_STATION, given).mappings()]
    return rows[:size], rows[size - 1].id if len(rows) > size else None


def refund_request(station_id: int, request_id: int) -> RefundRequestView:
    """One request; raises `NotFound`."""
    row = db.session.execute(_ONE, {"station": station_id, "id": request_id}).mappings().first()
    if row is None:
        raise _unknown()
    return RefundRequestView(**row)


def accept_refund_request(station_id: int, request_id: int, actor: str, answer: str) -> str:
    """Yes: the money goes back in the same statement. Returns "ok" or "repeat".

    Raises `NotFound`, `DomainError("answer_missing")` or `Conflict`: `request_decided`,
    `above_paid` (part of it has been given back meanwhile), `purchase_open` (a supplier may still
    deliver), `not_refundable`. Then nothing has happened, and it can still be declined.
    """
    given = {"p_station": station_id, "p_id": request_id, "p_actor": actor}
    try:
        row = ask_again("accept_refund_request", as_main=True, p_answer=_answer(answer), **given)
    except psycopg.errors.NoDataFound as error:  # delivered, and yet nothing was ever paid
        raise _refusals("bad_state", 0) from error
    code = str(row["code"])
    if code not in ("ok", "repeat"):
        raise _refusals(code, int(row["refundable"] or 0))
    if code == "ok":
        _note(station_id, request_id, actor, "refund_request.accept", row["refund_no"])
    return code


def decline_refund_request(station_id: int, request_id: int, actor: str, answer: str) -> str:
    """No, and why: the member reads it. Returns "ok" or "repeat"; raises as accepting does."""
    code = str(
        ask_again(
            "decline_refund_request", as_main=True, p_station=station_id, p_id=request_id,
            p_actor=actor, p_answer=_answer(answer),
        )["code"]
    )  # fmt: skip
    if code not in ("ok", "repeat"):
        raise _refusals(code, 0)
    if code == "ok":
        _note(station_id, request_id, actor, "refund_request.decline", "")
    return code


def watch_refund_requests() -> int:
    """Alert about each request that has waited for a day, and close what is over (main scope)."""
    given = {"hours": LATE_HOURS, "most": MOST_LISTED}
    late = {
        f"refund_request:{row.station_id}:{row.id}": row.order_no
        for row in db.session.execute(_LATE, given)
    }
    for subject, order_no in late.items():
        raise_alert(ALERT, subject, f"退款申请等了一天：{order_no}", {"order_no": order_no})
    for alert in open_alerts(kinds=(ALERT,)):
        if alert.subject not in late:
            close_alert(ALERT, alert.subject)
    db.session.commit()
    return len(late)


def _note(station_id: int, request_id: int, actor: str, action: str, refund_no: str) -> None:
    one = refund_request(station_id, request_id)
    detail = {
        "order": one.order_no, "amount": Money(one.amount).format(2), "reason": one.answer,
        **({"refund": refund_no} if refund_no else {}),
    }  # fmt: skip
    audit(actor, action, f"order:{one.order_id}", detail, station_id=station_id)
    db.session.commit()


def _answer(answer: str) -> str:
    plain = " ".join(answer.replace("\0", "").split())[:MOST_ANSWER]
    if len(plain) < 2:
        raise DomainError("answer_missing", _l("请写明答复，会员会看到"))
    return plain


def _refusals(code: str, refundable: int) -> DomainError:
    if code == "not_found":
        return _unknown()
    if code == "above_paid":
        words = _l("最多还能退 %(amount)s 元", amount=Money(refundable).format(2))
        return Conflict(code, words, refundable=refundable)
    return {
        "decided": Conflict("request_decided", _l("这个退款申请已经处理过了")),
        "purchase_open": Conflict(code, _l("供应商可能还会交货，要等采购单有结果")),
        "delivered": Conflict("not_refundable", _l("订单已经交付了一部分，现在不能退款")),
    }.get(code) or Conflict("not_refundable", _l("订单现在的状态不能退款"))


def _unknown() -> NotFound:
    return NotFound("request_unknown", _l("没有这个退款申请"))
