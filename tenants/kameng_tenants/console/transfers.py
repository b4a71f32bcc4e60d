"""待确认转账: transfers to the station's own bank account; who sees the money there says so."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng.db import db
from kameng.errors import Conflict, DomainError
from kameng.identity import api as identity
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.web import client_ip, flash, limit, require_staff
from kameng.web.formats import plain_money
from kameng_tenants.console import blueprint
from kameng_tenants.shop.forms import yuan

NEED = "payment.confirm"
HERE = "/console/transfers"
DONE = {
    "ok": _l("已确认到账，订单已发货"),
    "held": _l("已确认到账，订单等风控审核"),
    "awaiting_fulfilment": _l("已确认到账，订单正在处理"),
    "awaiting_recovery": _l("已确认到账，恢复完成后发货"),
    "awaiting_funds": _l("已确认到账，预存余额不够，订单等您充值预存"),
    "repeat": _l("这笔已经确认过，没有重复入账"),
    "refund_no_stock": _l("已确认到账，但没有货了，款项进入退款"),
    "refund_late": _l("已确认到账，但订单已过期又没有货，款项进入退款"),
    "refund_surplus": _l("已确认到账，订单早已付过，这笔进入退款"),
}
REFUSED = {
    "amount_mismatch": _l("金额和应付的不一样，没有入账。请核对，多付少付要和买家商量"),
    "reference_taken": _l("这个流水号已经用在另一笔付款上，没有入账。请核对流水号"),
}


@blueprint.get("/transfers")
@require_staff(NEED)
def transfer_list() -> str:
    """Those with a picture first: their shoppers wait."""
    rows = payments.waiting_by_hand()
    shots = {row.id: len(payments.proofs_of(row.station_id, row.attempt_no)) for row in rows}
    return render_template(
        "station_console/transfers.html",
        rows=sorted(rows, key=lambda row: not shots[row.id]),
        shots=shots,
        orders=orders.orders_by_ids([row.order_id for row in rows if row.order_id]),
    )


@blueprint.get("/transfers/<attempt_no>")
@require_staff(NEED)
def transfer(attempt_no: str) -> Response:
    """One transfer: what the shopper was told, the pictures, yes and no."""
    return _page(_own(attempt_no))


@blueprint.get("/transfers/<attempt_no>/proof/<int:proof_id>")
@require_staff(NEED)
def transfer_proof(attempt_no: str, proof_id: int) -> Response:
    """One picture, as an image and as nothing else."""
    row = _own(attempt_no)
    if proof_id not in {shot.id for shot in payments.proofs_of(row.station_id, row.attempt_no)}:
        abort(404)
    kind, content = payments.proof(row.station_id, proof_id)
    response = Response(content, mimetype=kind)
    # nosniff is on every answer; the sandbox holds whatever a picture may turn out to be.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = f'inline; filename="proof-{proof_id}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/transfers/<attempt_no>/confirm")
@require_staff(NEED)
def confirm_transfer(attempt_no: str) -> Response | BaseResponse:
    """The amount is typed by who has seen it on the account, never prefilled."""
    limit("transfer", g.viewer.id, 60, 600)
    number = _own(attempt_no).attempt_no
    try:
        code = _confirm(number)
        if code not in DONE:
            raise Conflict(code, REFUSED.get(code, _("没有入账，请核对")))
    except DomainError as refusal:
        return _page(_own(attempt_no), refusal)
    flash(str(DONE[code]), "success")
    return redirect(HERE, 303)


@blueprint.post("/transfers/<attempt_no>/refuse")
@require_staff(NEED)
def refuse_transfer(attempt_no: str) -> Response | BaseResponse:
    """No such money came; the shopper reads why."""
    limit("transfer", g.viewer.id, 60, 600)
    number = _own(attempt_no).attempt_no
    reason = request.form.get("reason", "")
    try:
        payments.refuse_by_hand(g.station.id, number, reason, g.viewer.actor, client_ip())
    except DomainError as refusal:
        return _page(_own(attempt_no), refusal)
    flash(_("已拒绝，买家会看到原因，可以换方式再付"), "success")
    return redirect(HERE, 303)


def _confirm(number: str) -> str:
    """Book it, and note in the audit trail who has said so and what followed."""
    ref = " ".join(request.form.get("ref", "").split())[:80]
    if len(ref) < 4:
        raise DomainError("reference_missing", _("请填写银行流水号，至少 4 位"))
    amount = yuan(request.form.get("amount", "").replace(",", ""))
    code = payments.confirm_manual(g.station.id, number, amount, ref, g.viewer.actor)
    detail = {"amount": plain_money(amount, 2), "ref": ref, "result": code}
    identity.audit(g.viewer.actor, NEED, f"attempt:{number}", detail, client_ip())
    db.session.commit()
    return code


def _own(attempt_no: str) -> Any:
    """An attempt at the station's own account; the main station's desk has the others."""
    row = payments.attempt(attempt_no[:40].replace("\0", ""))
    if row.account_station_id != g.station.id or not (row.cashier or {}).get("details"):
        abort(404)
    return row


def _page(row: Any, refusal: DomainError | None = None) -> Response:
    found = orders.orders_by_ids([row.order_id]) if row.order_id else {}
    body = render_template(
        "station_console/transfer.html",
        row=row,
        here=f"{HERE}/{row.attempt_no}",
        shots=payments.proofs_of(row.station_id, row.attempt_no),
        order=found.get(row.order_id),
        open=row.state in ("created", "sent", "unknown"),
        error=str(refusal.message) if refusal else "",
        given={name: request.form.get(name, "")[:200] for name in ("amount", "ref", "reason")},
    )
    response = make_response(body, refusal.status if refusal else 200)
    response.headers["Cache-Control"] = "no-store"
    return response
