"""Paying withdrawals out by a plugin: a row first, then the call, then what it came to.

One number for ever: a payout is sent once and from then on asked about. No transaction is open
while a plugin is called; the functions of this file open their own scopes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng.db import db, main_scope, run
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.plugins import api as plugins
from kameng.settlement.domain import Next, after_payout, after_query
from kameng.settlement.models import Withdrawal
from kameng.settlement.services.withdrawing import OUTCOMES
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentCapability, PayoutRequest, PayoutResult

MAIN_STATION = 1
OPEN = ("created", "sent", "unknown")


class Payer(Protocol):
    """What this file needs of a bound provider."""

    @property
    def capabilities(self) -> PaymentCapability:
        """All that the provider supports."""
        ...

    def payout_kinds(self) -> Sequence[str]:
        """Kinds of account it can pay to."""
        ...

    def payout(self, request: PayoutRequest) -> plugins.Answer[PayoutResult]:
        """Send money."""
        ...

    def query_payout(self, request: PayoutRequest) -> plugins.Answer[PayoutResult]:
        """Ask what became of it."""
        ...


FindPayer = Callable[[str, str], Payer]  # plugin id, account


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """A plugin account of the main station that can pay to a kind of payee."""

    plugin_id: str
    account: str
    name: str


@dataclass(frozen=True, slots=True)
class _Claimed:
    request: PayoutRequest
    plugin_id: str
    account: str
    to_send: bool
    tries: int


def main_payer(plugin_id: str, account: str) -> Payer:
    """The main station's account at a gateway; raises `PluginUnavailable`."""
    return plugins.provider(MAIN_STATION, plugin_id, holder=MAIN_STATION, account=account)


def payout_accounts(payee_kind: str, find: FindPayer = main_payer) -> list[PayoutAccount]:
    """Accounts that can pay to this kind of payee, sorted by name. Outside of transactions."""
    found = []
    for one in plugins.list_accounts():
        if one.station_id != MAIN_STATION or not one.enabled:
            continue
        try:
            payer = find(one.plugin_id, one.account)
        except plugins.PluginUnavailable:
            continue
        able = PaymentCapability.PAYOUT in payer.capabilities
        if able and payee_kind in payer.payout_kinds():
            name = f"{one.plugin_name} {one.account}".strip()
            found.append(PayoutAccount(one.plugin_id, one.account, name))
    return sorted(found, key=lambda one: one.name)


def start_payout(
    station_id: int, withdrawal_id: int, plugin_id: str, account: str, actor: str,
    ip: str = "", find: FindPayer = main_payer,
) -> None:  # fmt: skip
    """Choose the account that pays an approved withdrawal (main scope); a job sends it.

    Raises `Conflict` (bad_state, not_approved), `NotFound`, `DomainError("payer_unable")`.
    """
    row = db.session.get(Withdrawal, (station_id, withdrawal_id))
    if row is None:
        raise NotFound("withdrawal_unknown", _l("没有这笔提现。"))
    kind = row.payee_kind
    db.session.rollback()  # plugins are asked outside of transactions
    if (plugin_id, account) not in {(a.plugin_id, a.account) for a in payout_accounts(kind, find)}:
        raise DomainError("payer_unable", _l("这个账户不能付到这种收款方式。"))
    given = {"p_plugin": plugin_id, "p_account": account, "p_actor": actor}
    code = run("start_payout", p_station=station_id, p_id=withdrawal_id, **given)[0]["code"]
    if code not in ("ok", "repeat"):
        db.session.rollback()
        raise Conflict(str(code), OUTCOMES.get(str(code), OUTCOMES["bad_state"]))
    if code == "ok":
        detail = {"plugin": plugin_id, "account": account}
        subject = f"withdrawal:{withdrawal_id}"
        audit(actor, "withdrawal.start", subject, detail, ip, station_id=station_id)
    db.session.commit()


def due_payouts(limit: int = 100) -> list[tuple[int, int]]:
    """Payouts whose next step is due, as (station, id). Main scope."""
    query = select(Withdrawal.station_id, Withdrawal.id).where(
        Withdrawal.state.in_(OPEN), Withdrawal.next_try_at <= datetime.now(UTC)
    )
    found = db.session.execute(query.order_by(Withdrawal.next_try_at).limit(limit)).all()
    return [(row[0], row[1]) for row in found]


def step_payout(station_id: int, withdrawal_id: int, find: FindPayer = main_payer) -> str:
    """One step: send it when it never was, else ask. Returns the state, or not_due."""
    claimed = _claim(station_id, withdrawal_id)
    if claimed is None:
        return "not_due"
    try:
        payer = find(claimed.plugin_id, claimed.account)
    except plugins.PluginUnavailable as error:
        step = Next("created" if claimed.to_send else "unknown", 120)
        return _settle(station_id, withdrawal_id, step, "", str(error))
    if claimed.to_send:
        answer = payer.payout(claimed.request)
        step = after_payout(
            answer.outcome, retry_after_s=answer.retry_after_s,
            misconfigured=answer.misconfigured, tries=claimed.tries,
        )  # fmt: skip
    else:
        answer = payer.query_payout(claimed.request)
        step = after_query(answer.outcome, answered=answer.value is not None, tries=claimed.tries)
    ref = answer.value.provider_ref if answer.value is not None else ""
    return _settle(station_id, withdrawal_id, step, ref, answer.message)


def _claim(station_id: int, withdrawal_id: int) -> _Claimed | None:
    with main_scope(reason="payout"):
        rows = run("claim_payout", p_station=station_id, p_id=withdrawal_id)
        db.session.commit()
    if not rows:
        return None
    row = rows[0]
    request = PayoutRequest(
        payout_no=row["withdrawal_no"], amount=Money(row["net"]), kind=row["payee_kind"],
        account=row["payee"]["account"], name=row["payee"]["name"],
        remark=row["payee"].get("bank", ""),
    )  # fmt: skip
    return _Claimed(
        request, row["plugin_id"], row["account"], row["was"] == "created", row["tries"]
    )


def _settle(station_id: int, withdrawal_id: int, step: Next, ref: str, message: str) -> str:
    with main_scope(reason="payout"):
        run(
            "settle_payout", p_station=station_id, p_id=withdrawal_id, p_state=step.state,
            p_ref=ref, p_message=message[:300], p_next=timedelta(seconds=step.wait_s),
        )  # fmt: skip
        db.session.commit()
    return step.state
