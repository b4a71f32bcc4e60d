"""Start to collect: choose a way, open an attempt, call the gateway."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, text, update

from kameng.db import current_scope, db
from kameng.errors import DomainError, NotFound
from kameng.ledger.api import wallet
from kameng.orders.api import OrderView, order_page
from kameng.payments.domain import attempt_number, gateway_fee
from kameng.payments.models import PaymentAttempt
from kameng.plugins import api as plugins
from kameng.risk import api as risk
from kameng.runtime import current_settings
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import ChargeRequest, ChargeResult, Device

BALANCE = "payment-balance"
TOP_UP_MIN, TOP_UP_MAX = 1_0000, 50_000_0000  # ¥1 … ¥50,000
TOP_UP_MINUTES = 30
CHARGE_S = 12  # a gateway has answered by then, or never will


class PaymentRefused(DomainError):
    """Nothing was charged; the message says why."""

    default_status = 409


@dataclass(frozen=True, slots=True)
class MethodView:
    """A way to pay on the checkout page; a disabled one says why."""

    plugin_id: str
    code: str
    label: str
    icon: str
    hint: object
    enabled: bool
    reason: object = ""
    way: str = ""
    needs_payer: bool = False
    manual: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt is open. The shopper goes to `redirect_url`, or scans `qr_content`."""

    attempt_no: str
    state: str
    redirect_url: str
    qr_content: str


def methods(
    station_id: int, payable: int, member_id: int | None, *, device: Device | str | None = None,
    purpose: str = "order",
) -> list[MethodView]:  # fmt: skip
    """Ways to pay `payable` (scale 4) here, the wallet first for members."""
    offered = plugins.enabled_payment_methods(station_id)
    found: list[MethodView] = []
    if member_id is not None and any(m.plugin_id == BALANCE for m in offered):
        found.append(_wallet_method(member_id, payable))
    for method in offered:
        if method.plugin_id == BALANCE:
            continue
        reason: object = ""
        if method.minimum and payable < method.minimum.amount:
            reason = _l("金额太小，不能用这种方式")
        elif method.maximum and payable > method.maximum.amount:
            reason = _l("金额太大，不能用这种方式")
        hint = method.plugin_name
        found.append(
            MethodView(
                method.plugin_id,
                method.code,
                method.label,
                method.icon,
                hint,
                not reason,
                reason,
                method.code,
            )
        )
    return found


def _wallet_method(member_id: int, payable: int) -> MethodView:
    enough = wallet(member_id) >= payable
    reason = "" if enough else _l("余额不足，可先充值")
    return MethodView(
        BALANCE, "balance", str(_l("余额")), "wallet", _l("付完立刻发货"), enough, reason, "balance"
    )


def start(
    order_no: str, plugin_id: str, method: str, client_ip: str, *, return_url: str,
    locale: str = "", device: Device | str | None = None, payer: str = "",
) -> Started:  # fmt: skip
    """Open an attempt for an unpaid order and call the gateway (station scope).

    A second click finds the open attempt of the same way and returns it, waiting for the gateway's
    answer to the first. Raises `PaymentRefused` (`not_payable`, `method_unknown`,
    `gateway_declined`) or `NotFound`.
    """
    order = order_page(order_no)
    if order.state != "pending_payment" or order.expires_at <= datetime.now(UTC):
        raise PaymentRefused("not_payable", _l("订单已不能付款"))
    _require_method(order.station_id, plugin_id, method)
    subject = f"{order.product_name} {order.sku_name}"[:60]
    attempt, fresh, number = _open_attempt(order, plugin_id, method)
    if not fresh:
        return _answered(number)
    return _charge(attempt, subject, client_ip, return_url, locale, device, payer)


def open_attempt(order_no: str, plugin_id: str, method: str) -> str:
    """Open an attempt without calling the gateway; returns its number (station scope).

    For money that arrives without a charge of ours. Raises as `start` does.
    """
    order = order_page(order_no)
    if order.state != "pending_payment":
        raise PaymentRefused("not_payable", _l("订单已不能付款"))
    return _open_attempt(order, plugin_id, method, state="sent")[2]


def open_top_up(member_id: int, amount: int, plugin_id: str, method: str) -> str:
    """Open an attempt that fills a wallet, without calling the gateway; returns its number."""
    return _add_top_up(member_id, amount, plugin_id, method)[1]


def start_top_up(
    member_id: int, amount: int, plugin_id: str, method: str, client_ip: str, *, return_url: str,
    locale: str = "", device: Device | str | None = None, payer: str = "",
) -> Started:  # fmt: skip
    """Open an attempt that fills a member's wallet (scale 4, whole fen).

    A wallet has no desk where money could wait for a person, so what the rules would hold is not
    begun: raises `PaymentRefused("risk_refused")`.
    """
    station_id = scope_station()
    _require_amount(amount)  # a slip of the pen is no try that the rules should count
    _require_method(station_id, plugin_id, method)
    decision, _reasons = risk.assess_order(
        station_id, "wallet_top_up", client_ip, member_id, "", amount, None, secrets.token_hex(12)
    )
    if decision != "allow":
        raise PaymentRefused("risk_refused", _l("操作太频繁，请稍后再试。"), status=429)
    attempt, _number = _add_top_up(member_id, amount, plugin_id, method)
    return _charge(attempt, str(_l("余额充值")), client_ip, return_url, locale, device, payer)


def start_station_payment(
    purpose: str, amount: int, plugin_id: str, method: str, actor: str, client_ip: str, *,
    return_url: str, locale: str = "", device: Device | str | None = None, payer: str = "",
) -> Started:  # fmt: skip
    """Open an attempt by which a station fills its prepaid account or its deposit."""
    station_id = scope_station()
    _require_amount(amount)
    _require_method(station_id, plugin_id, method)
    attempt = _new_attempt(
        station_id, purpose, plugin_id, method, amount,
        datetime.now(UTC) + timedelta(minutes=TOP_UP_MINUTES), opened_by=actor,
    )  # fmt: skip
    attempt.account_station_id = 1
    db.session.add(attempt)
    db.session.commit()
    subject = str(_l("预存") if purpose == "prepaid" else _l("保证金"))
    return _charge(attempt, subject, client_ip, return_url, locale, device, payer)


def _add_top_up(
    member_id: int, amount: int, plugin_id: str, method: str
) -> tuple[PaymentAttempt, str]:
    _require_amount(amount)
    station_id = scope_station()
    attempt = _new_attempt(
        station_id, "top_up", plugin_id, method, amount,
        datetime.now(UTC) + timedelta(minutes=TOP_UP_MINUTES), member_id=member_id,
    )  # fmt: skip
    number = attempt.attempt_no
    db.session.add(attempt)
    db.session.commit()
    return attempt, number


def attempts_of(order_id: int) -> Sequence[PaymentAttempt]:
    """Attempts of an order at the scope's station, newest first (detached from the session)."""
    query = select(PaymentAttempt).where(PaymentAttempt.order_id == order_id)
    return list(db.session.scalars(query.order_by(PaymentAttempt.id.desc())))


def attempt(attempt_no: str) -> PaymentAttempt:
    """One attempt of the scope's station; raises `NotFound`."""
    query = select(PaymentAttempt).where(PaymentAttempt.attempt_no == attempt_no)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("attempt_unknown", _l("没有这个支付单"))
    return found


def _open_attempt(
    order: OrderView, plugin_id: str, method: str, state: str = "created"
) -> tuple[PaymentAttempt, bool, str]:
    """The attempt of this order and way that leads somewhere, or a new one in `state`.

    Returns (attempt, is new, number).
    """
    # Two clicks at once queue here: the second finds what the first has opened.
    db.session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"attempt:{order.station_id}:{order.id}"},
    )
    now = datetime.now(UTC)
    being_charged = (PaymentAttempt.state == "created") & (
        PaymentAttempt.created_at > now - timedelta(seconds=CHARGE_S)
    )
    with_payer = (PaymentAttempt.state == "sent") & (
        (PaymentAttempt.redirect_url != "")
        | (PaymentAttempt.qr_content != "")
        | (PaymentAttempt.cashier != {})
    )
    query = select(PaymentAttempt).where(
        PaymentAttempt.order_id == order.id,
        PaymentAttempt.plugin_id == plugin_id,
        PaymentAttempt.method == method,
        with_payer | being_charged,
        PaymentAttempt.expires_at > now,
    )
    found = db.session.scalar(query.order_by(PaymentAttempt.id.desc()).limit(1))
    if found is None:
        created = _new_attempt(
            order.station_id, "order", plugin_id, method, order.payable, order.expires_at,
            order_id=order.id, member_id=order.member_id, state=state,
        )  # fmt: skip
        db.session.add(created)
        number = created.attempt_no
        db.session.commit()
        return created, True, number
    number = found.attempt_no
    db.session.commit()
    return found, False, number


def _new_attempt(
    station_id: int, purpose: str, plugin_id: str, method: str, amount: int, expires_at: datetime,
    **links: Any,
) -> PaymentAttempt:  # fmt: skip
    fee_bp = int(str(plugins.public_value(station_id, plugin_id, "fee_bp") or 0))
    return PaymentAttempt(
        station_id=station_id, attempt_no=fresh_number(), purpose=purpose, plugin_id=plugin_id,
        method=method, amount=amount, fee=gateway_fee(amount, fee_bp), expires_at=expires_at,
        next_query_at=datetime.now(UTC) + timedelta(seconds=8),
        account_station_id=plugins.account_station(station_id, plugin_id), **links,
    )  # fmt: skip


def _charge(
    attempt: PaymentAttempt, subject: str, client_ip: str, return_url: str, locale: str,
    device: Device | str | None = None, payer: str = "",
) -> Started:  # fmt: skip
    """Call the gateway for a committed attempt and note what it said."""
    settings = current_settings()
    station_id, attempt_id = attempt.station_id, attempt.id
    plugin_id = attempt.plugin_id
    number, amount, method = attempt.attempt_no, attempt.amount, attempt.method
    expires_at = attempt.expires_at
    db.session.rollback()  # no transaction stays open while we wait for the gateway
    provider = plugins.provider(station_id, plugin_id, switched_on=True)
    notify_url = settings.host_url(settings.main_host) + plugins.hook_path(station_id, plugin_id)
    request = ChargeRequest(
        attempt_no=number,
        amount=Money(amount),
        method=method,
        subject=subject,
        notify_url=notify_url,
        return_url=return_url,
        client_ip=client_ip,
        expires_at=expires_at,
        locale=locale or "zh_Hans_CN",
        device=device if isinstance(device, Device) else Device.DESKTOP,
        payer=payer,
    )
    answer = provider.charge(request)
    result = answer.value or ChargeResult(outcome=answer.outcome)
    state = {Outcome.DECLINED: "declined", Outcome.UNKNOWN: "unknown"}.get(answer.outcome, "sent")
    changes: dict[str, Any] = {
        "state": state, "sent_at": datetime.now(UTC),
        "provider_ref": result.provider_ref, "redirect_url": result.redirect_url,
        "qr_content": result.qr_content, "message": answer.message, "cashier": _cashier(result),
    }  # fmt: skip
    if state == "declined":
        changes["next_query_at"] = None
    # A notice may have been faster than this answer: what is paid stays paid.
    db.session.execute(
        update(PaymentAttempt)
        .where(
            PaymentAttempt.station_id == station_id,
            PaymentAttempt.id == attempt_id,
            PaymentAttempt.state == "created",
        )
        .values(**changes)
    )
    db.session.commit()
    return _told(Started(number, state, result.redirect_url, result.qr_content))


def _cashier(result: ChargeResult) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if result.form:
        found["form"] = dict(result.form)
    if result.bridge:
        found["bridge"] = dict(result.bridge)
    if result.details:
        found["details"] = [
            {"label": d.label, "value": d.value, "copy": d.copy} for d in result.details
        ]
    return found


def _answered(number: str) -> Started:
    """The attempt of another click, once its gateway has answered."""
    give_up = time.monotonic() + CHARGE_S
    while True:
        found = attempt(number)
        started = Started(number, found.state, found.redirect_url, found.qr_content)
        db.session.rollback()  # no transaction stays open while we wait
        if started.state != "created" or time.monotonic() > give_up:
            return _told(started)
        time.sleep(0.1)


def _told(started: Started) -> Started:
    if started.state == "declined":
        raise PaymentRefused("gateway_declined", _l("支付渠道没有接受，没有扣款，请换一种付款方式"))
    return started


def _require_amount(amount: int) -> None:
    if not TOP_UP_MIN <= amount <= TOP_UP_MAX or amount % 100:
        raise PaymentRefused(
            "amount_invalid", _l("充值金额要在 1 元到 50000 元之间，最多两位小数"), status=400
        )


def _require_method(station_id: int, plugin_id: str, method: str) -> None:
    if plugin_id == BALANCE or not any(
        m.plugin_id == plugin_id and m.code == method
        for m in plugins.enabled_payment_methods(station_id)
    ):
        raise PaymentRefused("method_unknown", _l("这种付款方式现在不可用"), status=400)


def fresh_number() -> str:
    """A number for a new attempt; nobody can guess it."""
    return attempt_number(datetime.now(UTC), secrets.randbelow(10**16))


def scope_station() -> int:
    """The scope's station; payments are started in one."""
    station_id = current_scope().station_id
    if station_id is None:
        raise RuntimeError("payments are started in a station's scope")
    return station_id
