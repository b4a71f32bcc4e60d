"""The breaker of an account, shared by all processes: short transactions on its row.

Choosing goes by what processes remember of sound accounts; the first failure renews the mark.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, text, update

from kameng import epoch
from kameng.breaker import Breaker, after_failure, after_trial_begun
from kameng.db import db, main_scope
from kameng.payments.models import PaymentAccount
from kameng.stock.api import close_alert, raise_alert

ALERT = "payment_account"
REASON = "payment account breaker"
Key = tuple[int, str, str]  # holder, plugin, account

# Only an account that is stored can be noted; one that is on without any settings cannot fail.
_MAKE = text("""
INSERT INTO payment_account(station_id, plugin_id, account)
SELECT station_id, plugin_id, account FROM station_plugin
WHERE station_id = :station AND plugin_id = :plugin AND account = :account
ON CONFLICT DO NOTHING
""")


def begin_trial(key: Key) -> bool:
    """Claim the one trial of an account whose rest is over; False when somebody else has it."""
    now = datetime.now(UTC)
    with main_scope(reason=REASON):
        row = _locked(key)
        claimed = row is not None and _state(row).needs_trial(now)
        if row is not None and claimed:
            _keep(row, after_trial_begun(_state(row), now))
        db.session.commit()
    return claimed


def note_success(key: Key) -> None:
    """The other side answers: an account that rested or failed is sound again."""
    with main_scope(reason=REASON):
        healed = db.session.execute(
            update(PaymentAccount)
            .where(*_where(key), (PaymentAccount.failures > 0) | (PaymentAccount.trips > 0))
            .values(failures=0, trips=0, broken_until=None, last_error="")
            .returning(PaymentAccount.account)
        ).first()
        if healed is not None:
            close_alert(ALERT, _subject(key), key[0])
        db.session.commit()


def note_failure(key: Key, error: str, *, trial: bool = False) -> bool:
    """One more failure in a row; True when the account has been taken out by it."""
    now = datetime.now(UTC)
    with main_scope(reason=REASON):
        db.session.execute(_MAKE, {"station": key[0], "plugin": key[1], "account": key[2]})
        row = _locked(key)
        tripped = was_sound = False
        if row is not None:
            was_sound = _state(row) == Breaker()
            state, tripped = after_failure(_state(row), now, trial=trial)
            _keep(row, state)
            row.last_error = error[:200]
            if tripped:
                _warn(key, row, error)
        db.session.commit()
    if was_sound:
        epoch.renew()
    return tripped


def reset_breaker(station_id: int, plugin_id: str, account: str) -> None:
    """A person has put it right: use the account again at once. Opens its own scope."""
    note_success((station_id, plugin_id, account))


def _warn(key: Key, row: PaymentAccount, error: str) -> None:
    name = row.name or f"{key[1]} {key[2]}".strip()
    detail: dict[str, Any] = {"plugin": key[1], "account": key[2], "error": error[:200]}
    title = _("收款账户 %(name)s 连续失败，已暂停", name=name)
    raise_alert(ALERT, _subject(key), title, detail, key[0])


def _subject(key: Key) -> str:
    return f"account:{key[0]}:{key[1]}:{key[2]}"


def _locked(key: Key) -> PaymentAccount | None:
    wanted = select(PaymentAccount).where(*_where(key)).with_for_update()
    return db.session.scalars(wanted).one_or_none()


def _state(row: PaymentAccount) -> Breaker:
    return Breaker(failures=row.failures, trips=row.trips, broken_until=row.broken_until)


def _keep(row: PaymentAccount, state: Breaker) -> None:
    row.failures, row.trips, row.broken_until = state.failures, state.trips, state.broken_until


def _where(key: Key) -> tuple[Any, ...]:
    return (
        PaymentAccount.station_id == key[0], PaymentAccount.plugin_id == key[1],
        PaymentAccount.account == key[2],
    )  # fmt: skip
