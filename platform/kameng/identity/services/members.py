"""Members of a station: sign-up, login, lookup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from kameng import epoch
from kameng.db import db
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity import domain
from kameng.identity.models import Member
from kameng.identity.services import logins, passwords
from kameng.identity.services.audit import audit
from kameng.identity.services.logins import LoginRefused
from kameng.identity.services.scopes import scope_station


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member as pages know them."""

    id: int
    login: str
    name: str
    level: str
    created_at: datetime
    station_id: int = 0
    state: str = "active"
    last_login_at: datetime | None = None
    credential_mark: str = ""


def register_member(
    login: str, password: str, name: str = "", ip: str = "", *, station_id: int | None = None
) -> int:
    """Create an account at the scope's station; returns its id.

    Raises `DomainError` login_invalid, `PasswordRefused`, `Conflict` login_taken.
    """
    login = domain.normalise_login(login)
    if not domain.is_member_login(login):
        raise DomainError("login_invalid", _l("请填写正确的手机号或邮箱。"), field="login")
    member = Member(
        station_id=station_id or scope_station(),
        login=login,
        name=" ".join(name.split())[:40],
        password_hash=passwords.hash_password(password, login),
    )
    try:
        with db.session.begin_nested():
            db.session.add(member)
    except IntegrityError as error:
        raise Conflict("login_taken", _l("该账号已注册，请直接登录。"), field="login") from error
    number = member.id
    audit(
        f"member:{number}",
        "member.register",
        f"member:{number}",
        {},
        ip,
        station_id=member.station_id,
    )
    db.session.commit()
    return number


def authenticate_member(login: str, password: str, ip: str = "") -> MemberView:
    """Check a member of the scope's station; raises `LoginRefused` with one answer for all."""
    station_id = scope_station()
    login = domain.normalise_login(login)[: domain.MAX_LOGIN]
    logins.refuse_when_locked("member", login, station_id)
    member = db.session.scalar(
        select(Member).where(Member.station_id == station_id, Member.login == login)
    )
    good = passwords.verify(member.password_hash if member else None, password)
    if member is None or not good or member.state != "active":
        logins.record_failure("member", login, station_id, ip, "password")
        raise logins.wrong()
    member.password_hash = passwords.refreshed(member.password_hash, password)
    member.last_login_at = func.now()
    logins.record_success("member", login, station_id, ip, f"member:{member.id}")
    db.session.commit()
    return _view(member)


def find_member(id: int, *, station_id: int | None = None) -> MemberView | None:
    """An active member of the scope's station."""
    member = db.session.get(Member, (station_id or scope_station(), id))
    return _view(member) if member is not None and member.state == "active" else None


def get_member(id: int, *, station_id: int | None = None) -> MemberView:
    """A member in any state; raises `NotFound`."""
    return _view(_get(id, station_id))


def find_member_by_login(login: str, *, station_id: int | None = None) -> MemberView | None:
    """A member by e-mail or phone, in any state."""
    member = db.session.scalar(
        select(Member).where(
            Member.station_id == (station_id or scope_station()),
            Member.login == domain.normalise_login(login),
        )
    )
    return _view(member) if member else None


def list_members(
    query: str = "", page: int = 1, size: int = 24, *, station_id: int | None = None
) -> tuple[list[MemberView], int]:
    """Members of a station, newest first, with the number of all that match."""
    chosen = select(Member).where(Member.station_id == (station_id or scope_station()))
    if query:
        chosen = chosen.where(
            Member.login.contains(query.lower(), autoescape=True)
            | Member.name.contains(query, autoescape=True)
        )
    total = db.session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    rows = db.session.scalars(
        chosen.order_by(Member.id.desc()).limit(size).offset((max(page, 1) - 1) * size)
    )
    return [_view(row) for row in rows], total


def change_password(id: int, old: str, new: str, ip: str = "") -> None:
    """Change a member's own password; other sessions end. Raises `LoginRefused`."""
    member = _get(id, None)
    if not passwords.verify(member.password_hash, old):
        raise LoginRefused("password_wrong", _l("原密码不正确。"), field="old_password")
    member.password_hash = passwords.hash_password(new, member.login)
    audit(f"member:{id}", "password.change", f"member:{id}", {}, ip)
    db.session.commit()


def confirm_member(id: int, password: str, ip: str = "") -> None:
    """Ask for the password once more, before something grave; wrong tries are counted.

    Raises `LoginRefused` confirm_failed or login_locked.
    """
    member = _get(id, None)
    logins.refuse_when_locked("member", member.login, member.station_id)
    if not passwords.verify(member.password_hash, password):
        logins.record_failure("member", member.login, member.station_id, ip, "confirm")
        raise LoginRefused("confirm_failed", _l("密码不正确。"), field="password")


def rename_member(id: int, name: str) -> None:
    """Change how a member is called."""
    _get(id, None).name = " ".join(name.split())[:40]
    db.session.commit()


def set_member_state(
    id: int, state: str, actor: str, *, reason: str = "", station_id: int | None = None
) -> None:
    """active, locked or closed; takes effect at the member's next request."""
    if state not in ("active", "locked", "closed"):
        raise DomainError("state_invalid", _l("状态有误。"))
    member = _get(id, station_id)
    member.state = state
    audit(
        actor,
        "member.state",
        f"member:{id}",
        {"state": state, "reason": reason},
        station_id=member.station_id,
    )
    db.session.commit()
    epoch.renew()  # programs of this member notice at their next request


def _get(id: int, station_id: int | None) -> Member:
    member = db.session.get(Member, (station_id or scope_station(), id))
    if member is None:
        raise NotFound("member_unknown", _l("会员不存在。"))
    return member


def _view(member: Member) -> MemberView:
    return MemberView(
        id=member.id,
        login=member.login,
        name=member.name,
        level=member.level,
        created_at=member.created_at,
        station_id=member.station_id,
        state=member.state,
        last_login_at=member.last_login_at,
        credential_mark=passwords.credential_mark(member.password_hash),
    )
