"""Accounts at gateways as staff sees them: terms, figures, breaker; and their changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from kameng import epoch
from kameng.db import db, main_scope
from kameng.errors import DomainError, NotFound
from kameng.identity.api import audit
from kameng.payments.domain.accounts import Terms
from kameng.payments.models import PaymentAccount
from kameng.payments.services.breaking import Key, reset_breaker
from kameng.payments.services.choosing import BALANCE, account_terms
from kameng.plugins import api as plugins
from kameng_sdk.payments import Device

MOST_NAME = 40
MOST_WEIGHT = 1000
MOST_AMOUNT = 10**15

_FIGURES = text("""
SELECT account_station_id, plugin_id, account, sum(today)::bigint, sum(done)::int, sum(ended)::int
FROM (
  SELECT account_station_id, plugin_id, account, amount AS today, 0 AS done, 0 AS ended
    FROM payment_attempt WHERE state = 'succeeded' AND paid_at >=
      date_trunc('day', now() AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'
  UNION ALL
  SELECT account_station_id, plugin_id, account, 0, (state = 'succeeded')::int, 1
    FROM payment_attempt WHERE created_at > now() - interval '1 hour'
) f GROUP BY 1, 2, 3
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One account: whose, its terms, how it fares. Amounts at scale 4.

    `today` is what was paid since midnight in China; `tried` and `paid` are attempts of the last
    hour. `breaker`: closed (sound), open (resting until `terms.breaker.broken_until`) or half_open.
    """

    station_id: int
    plugin_id: str
    plugin_name: str
    account: str
    name: str
    enabled: bool
    has_values: bool
    health: str
    health_message: str
    terms: Terms
    breaker: str
    last_error: str
    today: int
    tried: int
    paid: int


def payment_accounts() -> list[AccountView]:
    """All accounts of all stations, the main station's first. Opens its own scopes."""
    infos = [info for info in plugins.list_accounts() if info.plugin_id != BALANCE]
    known = account_terms({(i.station_id, i.plugin_id, i.account) for i in infos})
    with main_scope(reason="payment accounts"):
        figures = {tuple(row[:3]): tuple(row[3:]) for row in db.session.execute(_FIGURES)}
    now = datetime.now(UTC)
    return [
        _view(
            info, known.get((info.station_id, info.plugin_id, info.account)),
            figures.get((info.station_id, info.plugin_id, info.account), (0, 0, 0)), now,
        )
        for info in infos
    ]  # fmt: skip


def payment_account(station_id: int, plugin_id: str, account: str) -> AccountView:
    """One of them; raises `NotFound`."""
    for view in payment_accounts():
        if (view.station_id, view.plugin_id, view.account) == (station_id, plugin_id, account):
            return view
    raise NotFound("account_unknown", _l("没有这个收款账户"))


def set_terms(
    station_id: int, plugin_id: str, account: str, name: str, terms: Terms, actor: str
) -> None:
    """Keep name and terms of an account; its breaker stays as it is. Opens its own scope.

    Raises `DomainError` (`weight_invalid`, `limits_invalid`, `hours_invalid`, `devices_invalid`)
    or `NotFound`.
    """
    _check(terms)
    values: dict[str, Any] = {
        "name": name.strip().replace("\0", "")[:MOST_NAME], "weight": terms.weight,
        "minimum": terms.minimum, "maximum": terms.maximum, "daily_limit": terms.daily_limit,
        "opens": terms.opens, "closes": terms.closes, "devices": sorted(terms.devices),
    }  # fmt: skip
    key = {"station_id": station_id, "plugin_id": plugin_id, "account": account}
    payment_account(station_id, plugin_id, account)
    with main_scope(reason="payment accounts"):
        statement = insert(PaymentAccount).values(**key, **values, updated_at=datetime.now(UTC))
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=list(key), set_=values | {"updated_at": datetime.now(UTC)}
            )
        )
        detail = {field: str(value) for field, value in values.items() if value not in (None, [])}
        subject = _subject(plugin_id, account)
        audit(actor, "payment.account_terms", subject, detail, station_id=station_id)
        db.session.commit()
    epoch.renew()


def reset_account(station_id: int, plugin_id: str, account: str, actor: str) -> None:
    """Use a resting account again at once. Opens its own scopes."""
    key: Key = (station_id, plugin_id, account)
    payment_account(*key)
    reset_breaker(*key)
    with main_scope(reason="payment accounts"):
        subject = _subject(plugin_id, account)
        audit(actor, "payment.account_reset", subject, station_id=station_id)
        db.session.commit()


def _check(terms: Terms) -> None:
    if not 0 <= terms.weight <= MOST_WEIGHT:
        raise DomainError("weight_invalid", _l("权重要在 0 到 1000 之间"))
    given = [a for a in (terms.minimum, terms.maximum, terms.daily_limit) if a is not None]
    if any(not 0 <= amount <= MOST_AMOUNT for amount in given) or 0 in (
        terms.maximum,
        terms.daily_limit,
    ):
        raise DomainError("limits_invalid", _l("限额要大于 0"))
    if terms.minimum is not None and terms.maximum is not None and terms.minimum > terms.maximum:
        raise DomainError("limits_invalid", _l("单笔最低不能高于单笔最高"))
    if (terms.opens is None) != (terms.closes is None):
        raise DomainError("hours_invalid", _l("开放时间要同时填写开始和结束"))
    if not terms.devices <= {device.value for device in Device}:
        raise DomainError("devices_invalid", _l("没有这种设备"))


def parse_time(raw: str) -> time | None:
    """``09:30`` as a form gives it; None when empty. Raises `DomainError` (`hours_invalid`)."""
    if not raw.strip():
        return None
    try:
        return time.fromisoformat(raw.strip()).replace(tzinfo=None, microsecond=0)
    except ValueError:
        raise DomainError("hours_invalid", _l("时间要写成 09:30 这样")) from None


def _view(
    info: plugins.AccountInfo, row: tuple[Terms, str, str] | None, figures: Collection[Any],
    now: datetime,
) -> AccountView:  # fmt: skip
    terms, name, last_error = row or (Terms(), "", "")
    today, paid, tried = figures
    state = "closed"
    if terms.breaker.broken_until is not None:
        state = "open" if terms.breaker.is_broken(now) else "half_open"
    return AccountView(
        station_id=info.station_id, plugin_id=info.plugin_id, plugin_name=info.plugin_name,
        account=info.account, name=name, enabled=info.enabled, has_values=info.has_values,
        health=info.health, health_message=info.health_message, terms=terms, breaker=state,
        last_error=last_error, today=today, tried=tried, paid=paid,
    )  # fmt: skip


def _subject(plugin_id: str, account: str) -> str:
    return f"plugin:{plugin_id}" + (f":{account}" if account else "")
