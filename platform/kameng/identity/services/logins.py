"""What both kinds of login share: counted failures and one answer for every wrong try."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from kameng.db import db
from kameng.errors import DomainError
from kameng.identity import domain
from kameng.identity.models import AuditEvent
from kameng.identity.services.audit import audit


class LoginRefused(DomainError):
    """The login did not succeed.

    Codes: login_failed, login_locked, totp_required (password is right), totp_failed,
    totp_not_enrolled.
    """

    default_status = 401


def refuse_when_locked(kind: str, login: str, station_id: int) -> None:
    """Raise while a name, known or not, has had too many wrong tries of late."""
    subject = f"{kind}-login:{login}"
    # Only what came after the last success counts.
    last_good = (
        select(func.max(AuditEvent.id))
        .where(
            AuditEvent.station_id == station_id,
            AuditEvent.subject == subject,
            AuditEvent.action == "login.ok",
        )
        .scalar_subquery()
    )
    failures = db.session.scalar(
        select(func.count()).where(
            AuditEvent.station_id == station_id,
            AuditEvent.subject == subject,
            AuditEvent.action == "login.failed",
            AuditEvent.at > func.now() - timedelta(minutes=domain.LOCK_WINDOW_MIN),
            AuditEvent.id > func.coalesce(last_good, 0),
        )
    )
    if (failures or 0) >= domain.LOCK_AFTER_FAILURES:
        raise LoginRefused("login_locked", _l("尝试次数过多，请 15 分钟后再试。"))


def record_failure(kind: str, login: str, station_id: int, ip: str, why: str) -> None:
    """Write a wrong try down at once."""
    audit(kind, "login.failed", f"{kind}-login:{login}", {"why": why}, ip, station_id=station_id)
    db.session.commit()


def record_success(kind: str, login: str, station_id: int, ip: str, actor: str) -> None:
    """Write a good login down; the caller commits."""
    audit(actor, "login.ok", f"{kind}-login:{login}", {}, ip, station_id=station_id)


def wrong() -> LoginRefused:
    """The one answer to unknown name, wrong password and locked account alike."""
    return LoginRefused("login_failed", _l("账号或密码错误。"))
