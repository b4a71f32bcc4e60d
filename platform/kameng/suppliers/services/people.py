"""People of suppliers: invitation, sign-in in two factors, sessions, passwords.

Sign-in looks a name up across suppliers (main scope); afterwards everything runs in the
supplier's own scope, where the database shows nobody else's rows.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db, main_scope, supplier_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity import api as identity
from kameng.runtime import current_settings
from kameng.suppliers.services.noting import note
from kameng.suppliers.services.sealing import TOTP_HOLDER, totp_name

MAIN_STATION = 1
INVITED_S = 7 * 24 * 3600
UNUSABLE = "!"  # nobody's hash: the invitation has not been used
ENTER = ("active", "paused")  # who is stopped from selling still settles accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in at the portal. `mark` ends sessions when it changes."""

    supplier_id: int
    id: int
    login: str
    name: str
    email: str
    supplier_name: str
    supplier_state: str
    has_totp: bool
    mark: str

    @property
    def actor(self) -> str:
        """How deeds of this supplier are signed."""
        return f"supplier:{self.supplier_id}"


@dataclass(frozen=True, slots=True)
class PersonView:
    """A line in the list of a supplier's people."""

    id: int
    login: str
    name: str
    email: str
    state: str
    invited: bool
    has_totp: bool
    created_at: datetime
    last_login_at: datetime | None


_USER = (
    "SELECT u.supplier_id, u.id, u.login, u.name, u.email, u.password_hash, u.totp_secret,"
    " u.totp_last_step, u.state, u.session_epoch, s.name AS supplier_name,"
    " s.state AS supplier_state FROM supplier_user u JOIN supplier s ON s.id = u.supplier_id"
)
_BY_LOGIN, _BY_ID = text(f"{_USER} WHERE u.login = :login"), text(f"{_USER} WHERE u.id = :id")
_SPEND = text(
    "UPDATE supplier_user SET totp_last_step = :step, last_login_at = now()"
    " WHERE supplier_id = :supplier AND id = :id AND totp_last_step < :step RETURNING id"
)
_LIST = text(
    "SELECT id, login, name, email, state, password_hash = '!' AS invited,"
    " totp_secret IS NOT NULL AS has_totp, created_at, last_login_at"
    " FROM supplier_user WHERE supplier_id = :supplier ORDER BY id"
)
_INSERT = text(
    "INSERT INTO supplier_user(supplier_id, login, name, email, password_hash)"
    " VALUES (:supplier, :login, :name, :email, '!') ON CONFLICT (login) DO NOTHING RETURNING id"
)
_PASSWORD = text(
    "UPDATE supplier_user SET password_hash = :hash, session_epoch = session_epoch + 1"
    " WHERE supplier_id = :supplier AND id = :id"
)
_TOTP = text(
    "UPDATE supplier_user SET totp_secret = :sealed, totp_last_step = :step,"
    " session_epoch = session_epoch + 1 WHERE supplier_id = :supplier AND id = :id"
)


def add_person(supplier_id: int, login: str, name: str, email: str) -> int:
    """A person without a password yet, in the open main scope; no commit.

    Raises `DomainError("login_invalid")`, `Conflict("login_taken")`.
    """
    login = identity.normalise_login(login)
    if not identity.is_staff_login(login):
        raise DomainError("login_invalid", _l("登录名只能包含字母、数字和 . _ @ -"), field="login")
    given = {"supplier": supplier_id, "login": login, "name": name[:40] or login, "email": email}
    number = db.session.scalar(_INSERT, given)
    if number is None:
        raise Conflict("login_taken", _l("该登录名已被使用。"), field="login")
    return int(number)


def people_of(supplier_id: int) -> Sequence[PersonView]:
    """Everybody who works there; main scope or the supplier's own."""
    rows = db.session.execute(_LIST, {"supplier": supplier_id}).mappings()
    return [PersonView(**row) for row in rows]


def invitation(supplier_id: int, user_id: int) -> str:
    """A token with which this person sets a password: once, within seven days. Main scope."""
    row = _row(user_id, supplier_id)
    expires = int(time.time()) + INVITED_S
    return f"{user_id}.{expires}.{_sign(row, expires)}"


def invited(token: str) -> Person:
    """Whom an invitation is for; raises `DomainError("invitation_invalid")`. Opens its scope."""
    with main_scope(reason="an invitation of a supplier"):
        return _person(_row_of_token(token))


def accept_invitation(token: str, password: str, ip: str = "") -> Person:
    """Set the first (or a forgotten) password; the token is used up by it.

    Raises `PasswordRefused`, `DomainError("invitation_invalid")`. Opens its own scope.
    """
    with main_scope(reason="an invitation of a supplier"):
        row = _row_of_token(token)
        hashed = identity.hash_password(password, row.login)
        given = {"hash": hashed, "supplier": row.supplier_id, "id": row.id}
        db.session.execute(_PASSWORD, given)
        actor, subject = f"supplier:{row.supplier_id}", f"supplier:{row.supplier_id}"
        identity.audit(actor, "supplier.password", subject, {"login": row.login}, ip)
        db.session.commit()
        return _person(_row(row.id, row.supplier_id))


def authenticate(login: str, password: str, totp_code: str = "", ip: str = "") -> Person:
    """Check password and code; opens its own scope.

    With a right password and no code it raises `LoginRefused` with code totp_required; who has no
    second factor yet comes back with `has_totp` false and may do nothing but enrol one. Wrong
    tries are counted as those of staff are.
    """
    login = identity.normalise_login(login)[:64]
    with main_scope(reason="sign-in of a supplier"):
        identity.refuse_when_locked("supplier", login, MAIN_STATION)
        row = db.session.execute(_BY_LOGIN, {"login": login}).first()
        usable = row is not None and row.password_hash != UNUSABLE
        good = identity.verify_password(row.password_hash if row and usable else None, password)
        if row is None or not good or row.state != "active" or row.supplier_state not in ENTER:
            identity.record_failure("supplier", login, MAIN_STATION, ip, "password")
            raise identity.wrong_login()
        _second_factor(row, totp_code, ip)
        actor = f"supplier:{row.supplier_id}"
        identity.record_success("supplier", login, MAIN_STATION, ip, actor)
        db.session.commit()
        return _person(_row(row.id, row.supplier_id))


def find_person(supplier_id: int, user_id: int) -> Person | None:
    """Who a session belongs to, while they may enter. Opens the supplier's scope."""
    with supplier_scope(supplier_id):
        row = db.session.execute(_BY_ID, {"id": user_id}).first()
    if row is None or row.state != "active" or row.supplier_state not in ENTER:
        return None
    return _person(row)


def enrol(person: Person, secret: str, code: str, password: str, ip: str = "") -> Person:
    """Bind a second factor after password and a first code of it; sessions start anew.

    Raises `LoginRefused` (confirm_failed, totp_failed, login_locked). Opens its own scopes.
    """
    confirm(person, password, ip)
    name = totp_name(person.login)
    sealed = identity.seal_second_factor(TOTP_HOLDER, name, secret)
    step = identity.second_factor_step(TOTP_HOLDER, name, sealed, code)
    if step is None:
        raise identity.LoginRefused(
            "totp_failed", _l("动态验证码不对，请核对手机时间后再试。"), field="totp_code"
        )
    with supplier_scope(person.supplier_id):
        given = {"sealed": sealed, "step": step, "supplier": person.supplier_id, "id": person.id}
        db.session.execute(_TOTP, given)
        db.session.commit()
    note(person.supplier_id, "supplier.totp", {"login": person.login}, ip)
    return _again(person)


def change_password(person: Person, old: str, new: str, ip: str = "") -> Person:
    """Change the own password; every other session ends. Raises `LoginRefused`."""
    confirm(person, old, ip)
    hashed = identity.hash_password(new, person.login)
    with supplier_scope(person.supplier_id):
        given = {"hash": hashed, "supplier": person.supplier_id, "id": person.id}
        db.session.execute(_PASSWORD, given)
        db.session.commit()
    note(person.supplier_id, "supplier.password", {"login": person.login}, ip)
    return _again(person)


def confirm(person: Person, password: str, ip: str = "") -> None:
    """Ask for the password once more, before something grave; wrong tries are counted."""
    with main_scope(reason="a supplier's password again"):
        identity.refuse_when_locked("supplier", person.login, MAIN_STATION)
        row = _row(person.id, person.supplier_id)
        if not identity.verify_password(row.password_hash, password):
            identity.record_failure("supplier", person.login, MAIN_STATION, ip, "confirm")
            raise identity.LoginRefused("confirm_failed", _l("密码不正确。"), field="password")


def release_second_factor(person: Person, password: str, code: str, ip: str = "") -> Person:
    """Let the present authenticator go, for a new phone: password and one code of the old one.

    Nothing but binding a new one is open afterwards. Raises `LoginRefused`.
    """
    confirm(person, password, ip)
    with main_scope(reason="a supplier's second factor"):
        row = _row(person.id, person.supplier_id)
        _second_factor(row, code, ip)
        given = {"sealed": None, "step": 0, "supplier": person.supplier_id, "id": person.id}
        db.session.execute(_TOTP, given)
        db.session.commit()
    note(person.supplier_id, "supplier.totp_reset", {"login": person.login}, ip)
    return _again(person)


def reset_second_factor(supplier_id: int, user_id: int, actor: str, ip: str = "") -> None:
    """Somebody lost the phone: the next sign-in enrols a new one. Main scope."""
    row = _row(user_id, supplier_id)
    given = {"sealed": None, "step": 0, "supplier": supplier_id, "id": user_id}
    db.session.execute(_TOTP, given)
    detail = {"login": row.login}
    identity.audit(actor, "supplier.totp_reset", f"supplier:{supplier_id}", detail, ip)
    db.session.commit()


def _second_factor(row: Any, code: str, ip: str) -> None:
    if row.totp_secret is None:
        return
    if not code.strip():
        raise identity.LoginRefused("totp_required", _l("请输入动态验证码。"), field="totp_code")
    name = totp_name(row.login)
    step = identity.second_factor_step(TOTP_HOLDER, name, bytes(row.totp_secret), code)
    given = {"step": step, "supplier": row.supplier_id, "id": row.id}
    if step is None or db.session.execute(_SPEND, given).first() is None:
        identity.record_failure("supplier", row.login, MAIN_STATION, ip, "totp")
        raise identity.LoginRefused(
            "totp_failed", _l("动态验证码错误或已使用，请等待下一个。"), field="totp_code"
        )


def _row(user_id: int, supplier_id: int) -> Any:
    row = db.session.execute(_BY_ID, {"id": user_id}).first()
    if row is None or row.supplier_id != supplier_id:
        raise NotFound("person_unknown", _l("没有这个人。"))
    return row


def _row_of_token(token: str) -> Any:
    number, _dot, rest = token.partition(".")
    expires, _dot, signature = rest.partition(".")
    plain = all(part.isascii() and part.isdigit() and len(part) < 16 for part in (number, expires))
    row = db.session.execute(_BY_ID, {"id": int(number)}).first() if plain else None
    good = row is not None and hmac.compare_digest(
        _sign(row, int(expires)).encode(), signature.encode()
    )
    if row is None or not good or int(expires) < time.time() or row.state != "active":
        raise DomainError("invitation_invalid", _l("链接已失效或已经用过，请联系主站重新发一个。"))
    return row


def _sign(row: Any, expires: int) -> str:
    """Bound to the present hash: the first password set with it ends the token."""
    secret = current_settings().secret_key.encode()
    key = hashlib.sha256(b"kameng supplier invitation " + secret).digest()
    said = f"{row.supplier_id}|{row.id}|{row.password_hash}|{row.session_epoch}|{expires}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def _person(row: Any) -> Person:
    sealed = bytes(row.totp_secret) if row.totp_secret is not None else None
    mark = identity.credential_mark(row.password_hash, sealed)
    return Person(
        supplier_id=row.supplier_id, id=row.id, login=row.login, name=row.name, email=row.email,
        supplier_name=row.supplier_name, supplier_state=row.supplier_state,
        has_totp=sealed is not None, mark=f"{row.session_epoch}.{mark}",
    )  # fmt: skip


def _again(person: Person) -> Person:
    found = find_person(person.supplier_id, person.id)
    if found is None:
        raise NotFound("person_unknown", _l("没有这个人。"))
    return found
