"""Staff of the main station and of stations: accounts, login in two factors, lookup."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from kameng.db import db
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity import domain
from kameng.identity.models import Role, Staff
from kameng.identity.services import logins, passwords, totp
from kameng.identity.services.audit import audit
from kameng.identity.services.logins import LoginRefused
from kameng.identity.services.roles import refuse_beyond_own, role_label
from kameng.identity.services.scopes import MAIN_STATION, as_main, scope_station


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A member of staff as sessions and pages know them."""

    id: int
    station_id: int
    login: str
    name: str
    role_code: str
    permissions: frozenset[str] = field(default_factory=frozenset)
    credential_mark: str = ""


@dataclass(frozen=True, slots=True)
class StaffView:
    """A line in the list of staff."""

    id: int
    login: str
    name: str
    email: str
    role_code: str
    role_name: str
    state: str
    has_totp: bool
    created_at: datetime
    last_login_at: datetime | None


def create_staff(
    station_id: int,
    login: str,
    name: str,
    password: str,
    role_code: str,
    *,
    email: str = "",
    password_hash: str = "",
    with_totp: bool | None = None,
    totp_secret: str = "",
    actor: str = "system",
    commit: bool = True,
) -> tuple[int, str]:
    """Create an account; returns (id, TOTP secret in base32, shown this once, or "").

    Staff of the main station always get a second factor, others when `with_totp` says so.
    `password_hash` takes the place of `password` when the hash exists already. Raises
    `PasswordRefused`, `Conflict` for a taken login, `NotFound` for an unknown role.
    """
    login = domain.normalise_login(login)
    if not domain.is_staff_login(login):
        raise DomainError("login_invalid", _l("登录名只能包含字母、数字和 . _ @ -"), field="login")
    hashed = password_hash or passwords.hash_password(password, login)
    wanted = with_totp if with_totp is not None else station_id == MAIN_STATION
    secret = (totp_secret or totp.new_secret()) if wanted else ""
    with as_main(station_id, "create staff"):
        if db.session.get(Role, (station_id, role_code)) is None:
            raise NotFound("role_unknown", _l("角色不存在。"), role=role_code)
        refuse_beyond_own(actor, role_code, station_id=station_id)
        staff = Staff(
            station_id=station_id,
            login=login,
            name=name.strip()[:40] or login,
            email=email,
            password_hash=hashed,
            role_code=role_code,
            totp_secret=totp.seal(station_id, login, secret) if secret else None,
        )
        _insert(staff)
        audit(
            actor,
            "staff.create",
            f"staff:{staff.id}",
            {"login": login, "role": role_code},
            station_id=station_id,
        )
        number = staff.id
        if commit:
            db.session.commit()
    return number, secret


def authenticate_staff(
    login: str, password: str, totp_code: str = "", ip: str = "", *, station_id: int | None = None
) -> StaffSession:
    """Check password and code at the scope's station (main scope: the main station).

    May be called twice: with a right password and no code it raises `LoginRefused` with code
    totp_required, and the form asks for the code. Every wrong try is counted; ten within
    15 minutes lock the name for that long. A code works once.
    """
    station_id = station_id or scope_station()
    login = domain.normalise_login(login)[: domain.MAX_LOGIN]
    logins.refuse_when_locked("staff", login, station_id)
    staff = db.session.scalar(
        select(Staff).where(Staff.station_id == station_id, Staff.login == login)
    )
    good = passwords.verify(staff.password_hash if staff else None, password)
    if staff is None or not good or staff.state != "active":
        logins.record_failure("staff", login, station_id, ip, "password")
        raise logins.wrong()
    _second_factor(staff, totp_code, ip)
    staff.password_hash = passwords.refreshed(staff.password_hash, password)
    logins.record_success("staff", login, station_id, ip, f"staff:{staff.id}")
    db.session.commit()
    return _session(staff)


def confirm_staff(
    station_id: int, id: int, password: str, totp_code: str = "", ip: str = ""
) -> None:
    """Ask somebody who is signed in to prove it again, before something grave.

    Password, and a code of who has a second factor; wrong tries count as those of the login do.
    Raises `LoginRefused` (confirm_failed, totp_required, totp_failed, login_locked).
    """
    staff = _get(station_id, id)
    logins.refuse_when_locked("staff", staff.login, station_id)
    if not passwords.verify(staff.password_hash, password):
        logins.record_failure("staff", staff.login, station_id, ip, "confirm")
        raise LoginRefused("confirm_failed", _l("密码不正确。"), field="password")
    if staff.totp_secret is not None:
        _second_factor(staff, totp_code, ip)
    db.session.commit()


def find_staff(station_id: int, id: int) -> StaffSession | None:
    """Active staff of a station by id, with permissions."""
    staff = db.session.get(Staff, (station_id, id))
    return _session(staff) if staff is not None and staff.state == "active" else None


def list_staff(station_id: int) -> list[StaffView]:
    """Everybody who works or worked at a station."""
    rows = db.session.execute(
        select(Staff, Role.name)
        .join(Role, (Role.station_id == Staff.station_id) & (Role.code == Staff.role_code))
        .where(Staff.station_id == station_id)
        .order_by(Staff.id)
    )
    return [_view(staff, role_name) for staff, role_name in rows]


def set_staff_state(station_id: int, id: int, state: str, actor: str) -> None:
    """active, locked or left; takes effect at the account's next request."""
    if state not in ("active", "locked", "left"):
        raise DomainError("state_invalid", _l("状态有误。"))
    with as_main(station_id, "staff state"):
        staff = _get(station_id, id)
        refuse_beyond_own(actor, staff.role_code, station_id=station_id)
        staff.state = state
        audit(actor, "staff.state", f"staff:{id}", {"state": state}, station_id=station_id)
        db.session.commit()


def set_staff_role(station_id: int, id: int, role_code: str, actor: str) -> None:
    """Give another role; raises `NotFound`, `Forbidden` beyond the actor's own rights."""
    with as_main(station_id, "staff role"):
        if db.session.get(Role, (station_id, role_code)) is None:
            raise NotFound("role_unknown", _l("角色不存在。"), role=role_code)
        staff = _get(station_id, id)
        refuse_beyond_own(actor, role_code, staff.role_code, station_id=station_id)
        staff.role_code = role_code
        audit(actor, "staff.role", f"staff:{id}", {"role": role_code}, station_id=station_id)
        db.session.commit()


def reset_totp(station_id: int, id: int, actor: str) -> str:
    """A new second factor for somebody who lost the phone; returns the secret, shown once."""
    secret = totp.new_secret()
    with as_main(station_id, "reset second factor"):
        staff = _get(station_id, id)
        refuse_beyond_own(actor, staff.role_code, station_id=station_id)
        staff.totp_secret = totp.seal(station_id, staff.login, secret)
        audit(actor, "staff.totp_reset", f"staff:{id}", {}, station_id=station_id)
        db.session.commit()
    return secret


def change_staff_password(station_id: int, id: int, old: str, new: str, ip: str = "") -> None:
    """Change the own password; every session of the account ends. Raises `LoginRefused`."""
    staff = _get(station_id, id)
    if not passwords.verify(staff.password_hash, old):
        raise LoginRefused("password_wrong", _l("原密码不正确。"), field="old_password")
    staff.password_hash = passwords.hash_password(new, staff.login)
    audit(f"staff:{id}", "password.change", f"staff:{id}", {}, ip, station_id=station_id)
    db.session.commit()


def _second_factor(staff: Staff, code: str, ip: str) -> None:
    if staff.totp_secret is None:
        if staff.station_id == MAIN_STATION:
            raise LoginRefused("totp_not_enrolled", _l("请联系管理员绑定动态验证码。"))
        staff.last_login_at = func.now()
        return
    if not code.strip():
        raise LoginRefused("totp_required", _l("请输入动态验证码。"), field="totp_code")
    if not totp.spend_code(staff, code):
        logins.record_failure("staff", staff.login, staff.station_id, ip, "totp")
        raise LoginRefused(
            "totp_failed", _l("动态验证码错误或已使用，请等待下一个。"), field="totp_code"
        )


def _insert(staff: Staff) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(staff)
    except IntegrityError as error:
        raise Conflict("login_taken", _l("该登录名已被使用。"), field="login") from error


def _get(station_id: int, id: int) -> Staff:
    staff = db.session.get(Staff, (station_id, id))
    if staff is None:
        raise NotFound("staff_unknown", _l("员工不存在。"))
    return staff


def _session(staff: Staff) -> StaffSession:
    role = db.session.get(Role, (staff.station_id, staff.role_code))
    return StaffSession(
        id=staff.id,
        station_id=staff.station_id,
        login=staff.login,
        name=staff.name,
        role_code=staff.role_code,
        permissions=frozenset(role.permissions if role else ()),
        credential_mark=passwords.credential_mark(staff.password_hash, staff.totp_secret),
    )


def _view(staff: Staff, role_name: str) -> StaffView:
    return StaffView(
        id=staff.id,
        login=staff.login,
        name=staff.name,
        email=staff.email,
        role_code=staff.role_code,
        role_name=role_label(staff.role_code, role_name),
        state=staff.state,
        has_totp=staff.totp_secret is not None,
        created_at=staff.created_at,
        last_login_at=staff.last_login_at,
    )
