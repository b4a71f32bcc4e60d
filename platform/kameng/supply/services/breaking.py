"""The breaker of a connection, shared by all processes: short transactions on its row."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_babel import gettext as _
from sqlalchemy import select

from kameng.breaker import Breaker, after_failure, after_trial_begun
from kameng.db import db, main_scope
from kameng.stock.api import close_alert, raise_alert
from kameng.supply.models import Connection

ALERT = "supply_connection"
REASON = "supply connection breaker"


def let_through(connection_id: int) -> bool:
    """Whether a call may go there now. When a rest is over, one caller has the trial."""
    now = datetime.now(UTC)
    with main_scope(reason=REASON):
        row = _locked(connection_id)
        state = _state(row)
        if state.needs_trial(now):
            _keep(row, after_trial_begun(state, now))
            db.session.commit()
            return True
        return not state.is_broken(now)


def note(connection_id: int, *, failed: bool, error: str) -> None:
    """One call more: a success ends a rest, several failures in a row begin one."""
    now = datetime.now(UTC)
    with main_scope(reason=REASON):
        row = _locked(connection_id)
        state = _state(row)
        if failed:
            state, tripped = after_failure(state, now, trial=state.is_broken(now))
            _keep(row, state)
            row.last_error = error[:200]
            if tripped:
                title = _("供货接口 %(name)s 连续失败，已暂停采购", name=row.name)
                detail = {"connection_id": connection_id, "error": error[:200]}
                raise_alert(ALERT, _subject(connection_id), title, detail)
            db.session.commit()
        elif state != Breaker():
            heal(row)
            db.session.commit()


def heal(row: Connection) -> None:
    """The other side answers, or a person says that it does. In the open main scope."""
    row.failures, row.trips, row.broken_until, row.last_error = 0, 0, None, ""
    close_alert(ALERT, _subject(row.id))


def _subject(connection_id: int) -> str:
    return f"connection:{connection_id}"


def _locked(connection_id: int) -> Connection:
    wanted = select(Connection).where(Connection.id == connection_id).with_for_update()
    return db.session.scalars(wanted).one()


def _state(row: Connection) -> Breaker:
    return Breaker(failures=row.failures, trips=row.trips, broken_until=row.broken_until)


def _keep(row: Connection, state: Breaker) -> None:
    row.failures, row.trips, row.broken_until = state.failures, state.trips, state.broken_until
