"""Disputes about purchases and statements: staff open and decide them, the supplier answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db, run, supplier_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.jobs import notice_text, send_notice
from kameng.runtime import current_settings
from kameng.suppliers.domain import disputes as rules
from kameng.suppliers.domain.offers import cost_of, cost_text
from kameng.suppliers.services.noting import note

KIND_WORDS: dict[str, Any] = {
    "bad_card": _l("卡密无效"),
    "not_delivered": _l("未到账"),
    "late": _l("发货太慢"),
    "cost": _l("成本不符"),
    "count": _l("数量不符"),
    "statement": _l("对账差异"),
    "other": _l("其他"),
}
CLASS_WORDS: dict[str, Any] = {
    "only_ours": _l("只在我方"),
    "only_theirs": _l("只在对方账单"),
    "amount": _l("金额不一致"),
    "state": _l("状态不一致"),
}
REFUSALS: dict[str, Any] = {
    "over": _l("这张纠纷单已经有结果"),
    "too_much": _l("退回金额超过这张采购单还没退的成本"),
    "no_purchase": _l("没有关联采购单，不能退回货款；请用付款或对账处理"),
    "not_found": _l("没有这张纠纷单"),
}
MOST_WORDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView:
    """A dispute; `claim`, `agreed` and `offered` (the supplier's last offer) at scale 4."""

    supplier_id: int
    id: int
    purchase_no: str
    title: str
    statement_id: int | None
    kind: str
    claim: int
    agreed: int | None
    state: str
    opened_at: datetime
    due_at: datetime
    first_answer_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """What one side said; `offer` is the amount it offers, "" when none."""

    actor: str
    words: str
    offer: str
    at: datetime


# Named columns alone: a supplier's role may not read more of a purchase.
_COLUMNS = (
    "SELECT d.supplier_id, d.id, coalesce(p.purchase_no, '') AS purchase_no,"
    " coalesce(p.title, '') AS title, d.statement_id, d.kind, d.claim, d.agreed, d.state,"
    " d.opened_at, d.due_at, d.first_answer_at, d.closed_at FROM supply_dispute d"
    " LEFT JOIN purchase p ON p.station_id = d.station_id AND p.id = d.purchase_id"
    " WHERE d.supplier_id = :supplier"
)
_ONE = text(f"{_COLUMNS} AND d.id = :id")
_LIST = text(
    f"{_COLUMNS} AND (:state = '' OR d.state = :state OR :state = 'waiting'"
    " AND d.state IN ('open', 'answered')) AND (:statement = 0 OR d.statement_id = :statement)"
    " ORDER BY d.state IN ('open', 'answered') DESC, d.id DESC LIMIT 200"
)
_MESSAGES = text(
    "SELECT actor, body, at FROM supply_dispute_message"
    " WHERE supplier_id = :supplier AND dispute_id = :id ORDER BY id"
)
_PURCHASE = text(
    "SELECT p.station_id, p.id, p.supplier_id, p.cost, p.refunded, p.state, s.email,"
    " s.name, s.internal, (SELECT k.duty_minutes FROM supplier_contract k"
    " WHERE k.supplier_id = s.id AND k.state = 'active' LIMIT 1) AS duty_minutes"
    " FROM purchase p JOIN supplier s ON s.id = p.supplier_id WHERE p.purchase_no = :number"
)
INSERT = text(
    "INSERT INTO supply_dispute(supplier_id, station_id, purchase_id, statement_id, kind, claim,"
    " opened_by, due_at) VALUES (:supplier, :station, :purchase, :statement, :kind, :claim,"
    " :actor, now() + make_interval(mins => :minutes)) RETURNING id"
)
SAY = text(
    "INSERT INTO supply_dispute_message(supplier_id, dispute_id, actor, body)"
    " VALUES (:supplier, :id, :actor, :body)"
)
_ANSWERED = text(
    "UPDATE supply_dispute SET state = 'answered',"
    " first_answer_at = coalesce(first_answer_at, now())"
    " WHERE supplier_id = :supplier AND id = :id AND state IN ('open', 'answered') RETURNING id"
)
_REOPENED = text(
    "UPDATE supply_dispute SET state = 'open' WHERE supplier_id = :supplier AND id = :id"
    " AND state IN ('open', 'answered') RETURNING id"
)
_CLOSED = text(
    "UPDATE supply_dispute SET state = :state, closed_at = now() WHERE supplier_id = :supplier"
    " AND id = :id AND state IN ('open', 'answered') RETURNING id"
)


def open_dispute(
    purchase_no: str, kind: str, claim: int, words: str, actor: str, ip: str = ""
) -> tuple[int, int]:
    """Open one on a purchase; (supplier, dispute). `claim`: what should come back, scale 4.

    The supplier's answer is due by its contract's duty minutes, else within a day; it is told by
    mail. Main scope. Raises `NotFound`, `DomainError`.
    """
    row = db.session.execute(_PURCHASE, {"number": purchase_no}).first()
    if row is None or row.internal:
        raise NotFound("purchase_unknown", _l("没有这张外部供应商的采购单"))
    if kind not in rules.KINDS or claim < 0:
        raise DomainError("kind_unknown", _l("请选择纠纷类型并填写金额"))
    words = _words(words)
    if row.state == "succeeded" and claim > row.cost - row.refunded:
        raise DomainError("too_much", REFUSALS["too_much"])
    given = {
        "supplier": row.supplier_id, "station": row.station_id, "purchase": row.id,
        "statement": None, "kind": kind, "claim": claim, "actor": actor,
        "minutes": row.duty_minutes or rules.UNAGREED_MINUTES,
    }  # fmt: skip
    number = int(db.session.scalar(INSERT, given))
    say = {"supplier": row.supplier_id, "id": number, "actor": actor, "body": words}
    db.session.execute(SAY, say)
    _mail(row, number, purchase_no)
    detail = {"dispute": number, "purchase_no": purchase_no, "kind": kind, "amount": claim}
    audit(actor, "dispute.open", f"supplier:{row.supplier_id}", detail, ip)
    db.session.commit()
    return int(row.supplier_id), number


def dispute(supplier_id: int, dispute_id: int) -> DisputeView:
    """One dispute; main scope or the supplier's own. Raises `NotFound`."""
    given = {"supplier": supplier_id, "id": dispute_id}
    row = db.session.execute(_ONE, given).mappings().first()
    if row is None:
        raise NotFound("dispute_unknown", _l("没有这张纠纷单"))
    return DisputeView(**row)


def disputes_of(supplier_id: int, state: str = "", statement_id: int = 0) -> list[DisputeView]:
    """Open ones first; `state` may be "waiting" for open and answered. Either scope."""
    given = {"supplier": supplier_id, "state": state, "statement": statement_id}
    return [DisputeView(**row) for row in db.session.execute(_LIST, given).mappings()]


def messages_of(supplier_id: int, dispute_id: int) -> Sequence[MessageView]:
    """What was said, oldest first, with the machine's own messages in words. Either scope."""
    given = {"supplier": supplier_id, "id": dispute_id}
    return [_message(row) for row in db.session.execute(_MESSAGES, given)]


def answer_dispute(supplier_id: int, dispute_id: int, words: str, offer: int | None = None) -> None:
    """The supplier's answer, with what it is ready to give back (scale 4). Opens its scope.

    Raises `NotFound`, `Conflict("over")`, `DomainError`.
    """
    words = _words(words)
    with supplier_scope(supplier_id):
        dispute(supplier_id, dispute_id)
        given = {"supplier": supplier_id, "id": dispute_id}
        if db.session.scalar(_ANSWERED, given) is None:
            raise Conflict("over", REFUSALS["over"])
        body = words if offer is None else rules.offer_text(cost_text(offer), words)
        db.session.execute(SAY, {**given, "actor": f"supplier:{supplier_id}", "body": body})
        db.session.commit()
    note(supplier_id, "dispute.answer", {"dispute": dispute_id, "amount": offer or 0})


def reply(supplier_id: int, dispute_id: int, words: str, actor: str, ip: str = "") -> None:
    """Staff ask again: it is the supplier's turn. Main scope."""
    given = {"supplier": supplier_id, "id": dispute_id}
    words = _words(words)
    if db.session.scalar(_REOPENED, given) is None:
        raise Conflict("over", REFUSALS["over"])
    db.session.execute(SAY, {**given, "actor": actor, "body": words})
    audit(actor, "dispute.reply", f"supplier:{supplier_id}", {"dispute": dispute_id}, ip)
    db.session.commit()


def agree(
    supplier_id: int, dispute_id: int, amount: int, words: str, actor: str, ip: str = ""
) -> None:
    """Both sides agree: `amount` (scale 4) of the purchase's cost comes back. Main scope.

    More than the supplier has offered at the portal needs words about how it agreed. Raises
    `DomainError("reason_missing" | "too_much" | "no_purchase")`, `Conflict("over")`.
    """
    words = " ".join(words.split())[:MOST_WORDS]
    if amount > offered(supplier_id, dispute_id) and len(words) < 2:
        raise DomainError(
            "reason_missing", _l("供应商没有在门户里答应这个金额，请写明对方是怎么同意的")
        )
    given = {"p_supplier": supplier_id, "p_id": dispute_id, "p_amount": amount, "p_actor": actor}
    code = run("agree_dispute", **given)[0]["code"]
    if code not in ("ok", "repeat"):
        db.session.rollback()
        raise DomainError(code, REFUSALS[code], 409 if code == "over" else 422)
    if words and code == "ok":
        say = {"supplier": supplier_id, "id": dispute_id, "actor": actor, "body": words}
        db.session.execute(SAY, say)
    if code == "ok":
        detail = {"dispute": dispute_id, "amount": amount, "reason": words}
        audit(actor, "dispute.agree", f"supplier:{supplier_id}", detail, ip)
    db.session.commit()


def close_dispute(
    supplier_id: int, dispute_id: int, state: str, words: str, actor: str, ip: str = ""
) -> None:
    """End it without money: refused (the supplier is right) or closed (settled otherwise)."""
    if state not in ("refused", "closed"):
        raise DomainError("state_unknown", _l("请选择处理结果"))
    words = _words(words)
    given = {"supplier": supplier_id, "id": dispute_id}
    if db.session.scalar(_CLOSED, {**given, "state": state}) is None:
        raise Conflict("over", REFUSALS["over"])
    db.session.execute(SAY, {**given, "actor": actor, "body": words})
    detail = {"dispute": dispute_id, "state": state, "reason": words}
    audit(actor, "dispute.close", f"supplier:{supplier_id}", detail, ip)
    db.session.commit()


def offered(supplier_id: int, dispute_id: int) -> int:
    """The supplier's last offer at scale 4; 0 when it has made none. Either scope."""
    offers = [cost_of(m.offer) for m in messages_of(supplier_id, dispute_id) if m.offer]
    return (offers[-1] or 0) if offers else 0


def _message(row: Any) -> MessageView:
    bill = rules.split_bill(row.body)
    if bill is not None:
        kind, number, ours, theirs = bill
        words = _(
            "账单核对：%(class)s，采购单 %(no)s，我方 %(ours)s，对方 %(theirs)s",
            **{"class": CLASS_WORDS.get(kind, kind), "no": number, "ours": ours, "theirs": theirs},
        )
        return MessageView(row.actor, words, "", row.at)
    if row.body.startswith("agreed:"):
        amount = cost_text(int(row.body.removeprefix("agreed:")))
        return MessageView(row.actor, _("双方同意退回 ¥%(amount)s", amount=amount), "", row.at)
    offer, words = rules.split_offer(row.body)
    return MessageView(row.actor, words, offer, row.at)


def _words(words: str) -> str:
    words = words.strip()[:MOST_WORDS]
    if len(words) < 2:
        raise DomainError("words_missing", _l("请写明情况"))
    # What only the product itself may say begins so; people's words never do.
    return f" {words}" if words.startswith((rules.OFFER, rules.BILL, "agreed:")) else words


def _mail(row: Any, number: int, purchase_no: str) -> None:
    settings = current_settings()
    link = f"{settings.host_url(settings.main_host)}/supplier/disputes/{number}"
    words = notice_text("supplier.dispute", "", supplier=row.name, number=purchase_no, link=link)
    send_notice(1, "supplier.dispute", row.email, *words, f"supplier.dispute:{number}")
