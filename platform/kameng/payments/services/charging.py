"""Call a gateway for a committed attempt and note what it said, also about the account itself."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from flask_babel import lazy_gettext as _l

from kameng.breaker import Breaker
from kameng.db import call, db, end_reading
from kameng.payments.domain import BY_HAND_LIVES, KEPT_FOR_TRANSFER
from kameng.payments.services.attempts import CHARGE_S, Demand, Opened, attempt, payer_mark
from kameng.payments.services.breaking import note_failure, note_success
from kameng.payments.services.choosing import Option, device_word
from kameng.payments.services.refusing import PaymentRefused
from kameng.plugins import api as plugins
from kameng.runtime import current_settings
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import ChargeRequest, ChargeResult, Device, PaymentCapability


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt is open. The shopper goes to `redirect_url`, or scans `qr_content`.

    `cashier` is what a page of ours needs: `form` (fields to POST to `redirect_url`), `bridge`
    (arguments of WeChat's call), `details` ([{label, value, copy}] for paying by hand).
    """

    attempt_no: str
    state: str
    redirect_url: str
    qr_content: str
    cashier: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who pays, from where; `payer` is what the gateway itself calls the shopper."""

    client_ip: str
    return_url: str
    locale: str = ""
    device: Device | str | None = None
    payer: str = ""


def charge(
    demand: Demand, option: Option, opened: Opened, visit: Visit, trial: bool
) -> Started | None:
    """Call the gateway; None when nothing was sent, so that another account may try.

    Raises `PaymentRefused` (`gateway_declined`) when the gateway has said no.
    """
    end_reading()  # no transaction stays open while we wait for the gateway
    holder, plugin_id, account = option.key
    try:
        provider = plugins.provider(
            demand.station_id, plugin_id, holder=holder, account=account, switched_on=True
        )
        request = _request(demand, option, opened.number, visit)
    except plugins.PluginUnavailable as away:
        note_failure(option.key, str(away), trial=trial)
        return None
    answer = provider.charge(request)
    _judge_account(option, answer, trial)
    if answer.outcome is Outcome.DECLINED and (
        answer.retry_after_s is not None or answer.misconfigured
    ):
        return None
    return told(_keep(demand, option, opened, answer, visit.payer))


def charge_ahead(
    demand: Demand, option: Option, number: str, visit: Visit
) -> plugins.Answer[ChargeResult] | None:
    """What a method that sends nothing builds, before the attempt's row stands.

    None: it has to be charged as any other, after it; also where the shopper pays by hand.
    """
    end_reading()
    holder, plugin_id, account = option.key
    try:
        provider = plugins.provider(
            demand.station_id, plugin_id, holder=holder, account=account, switched_on=True
        )
        answer = provider.charge(_request(demand, option, number, visit))
    except plugins.PluginUnavailable:
        return None
    lasting = answer.outcome in (Outcome.PENDING, Outcome.SUCCEEDED) and answer.value is not None
    return answer if lasting and answer.value and not answer.value.details else None


def keep_ahead(
    option: Option, number: str, answer: plugins.Answer[ChargeResult]
) -> tuple[str, Started]:
    """Such an answer as it is stored with the attempt (JSON), and as the shop goes on with it."""
    _judge_account(option, answer, trial=False)
    result = cast(ChargeResult, answer.value)
    cashier = cashier_of(result)
    stored = {
        "provider_ref": result.provider_ref, "redirect_url": result.redirect_url,
        "qr_content": result.qr_content, "message": answer.message, "cashier": cashier,
    }  # fmt: skip
    started = Started(number, "sent", result.redirect_url, result.qr_content, cashier)
    return json.dumps(stored), started


def _request(demand: Demand, option: Option, number: str, visit: Visit) -> ChargeRequest:
    settings = current_settings()
    holder, plugin_id, account = option.key
    path = plugins.hook_path(holder, plugin_id, account)
    return ChargeRequest(
        attempt_no=number, amount=Money(demand.amount), method=option.offered.code,
        subject=demand.subject, notify_url=settings.host_url(settings.main_host) + path,
        return_url=visit.return_url, client_ip=visit.client_ip, expires_at=demand.expires_at,
        locale=visit.locale or "zh_Hans_CN",
        device=Device(device_word(visit.device) or Device.DESKTOP.value), payer=visit.payer,
    )  # fmt: skip


def _judge_account(option: Option, answer: plugins.Answer[Any], trial: bool) -> None:
    """Only what is wrong with the other side or the settings counts, not a no to one order."""
    if answer.code in ("busy", "not_supported"):
        return  # our own matter: nobody was asked
    if answer.outcome is Outcome.UNKNOWN or answer.misconfigured or answer.code == "not_sent":
        note_failure(option.key, f"{answer.code} {answer.message}".strip(), trial=trial)
    elif option.terms.breaker != Breaker():  # a failure of this very moment waits for the next
        note_success(option.key)


def _keep(
    demand: Demand, option: Option, opened: Opened, answer: plugins.Answer[ChargeResult],
    payer: str,
) -> Started:  # fmt: skip
    result = answer.value or ChargeResult(outcome=answer.outcome)
    state = {Outcome.DECLINED: "declined", Outcome.UNKNOWN: "unknown"}.get(answer.outcome, "sent")
    cashier = cashier_of(result)
    kept = cashier | ({"payer": payer_mark(payer)} if payer else {})
    by_hand = state == "sent" and bool(result.details)
    # Nobody is asked who has said no, or who could not tell.
    asked = state != "declined" and not (
        by_hand and PaymentCapability.QUERY not in option.offered.capabilities
    )
    call(
        "keep_charge", p_station=demand.station_id, p_attempt=opened.id, p_state=state,
        p_provider_ref=result.provider_ref, p_redirect_url=result.redirect_url,
        p_qr_content=result.qr_content, p_message=answer.message, p_cashier=json.dumps(kept),
        p_asked=asked, p_hours=int(BY_HAND_LIVES.total_seconds()) // 3600 if by_hand else None,
        p_minutes=int(KEPT_FOR_TRANSFER.total_seconds()) // 60 if by_hand else None,
    )  # fmt: skip
    return Started(opened.number, state, result.redirect_url, result.qr_content, cashier)


def cashier_of(result: ChargeResult) -> dict[str, Any]:
    """What our own page to pay on needs, as it is stored."""
    parts: dict[str, Any] = {
        "form": dict(result.form),
        "bridge": dict(result.bridge),
        "details": [asdict(detail) for detail in result.details],
    }
    return {name: value for name, value in parts.items() if value}


def read_started(attempt_no: str) -> Started:
    """A started attempt as it stands, for pages that are shown again (station scope)."""
    found = attempt(attempt_no)
    cashier = {name: value for name, value in found.cashier.items() if name != "payer"}
    return Started(attempt_no, found.state, found.redirect_url, found.qr_content, cashier)


def answered(number: str) -> Started:
    """The attempt of another click, once its gateway has answered."""
    give_up_at = time.monotonic() + CHARGE_S
    while True:
        started = read_started(number)
        db.session.rollback()  # no transaction stays open while we wait
        if started.state != "created" or time.monotonic() > give_up_at:
            return started
        time.sleep(0.1)


def told(started: Started) -> Started:
    """The same, or the refusal when the gateway has said no."""
    if started.state == "declined":
        raise PaymentRefused("gateway_declined", _l("支付渠道没有接受，没有扣款，请换一种付款方式"))
    return started
