"""Password hashes: argon2id, verified in equal time for known and unknown logins."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.identity import domain

# OWASP's floor for argon2id: about 20 ms, so a rush of logins does not starve the shop.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

_PROBLEMS: dict[str, Any] = {
    "too_short": _l("密码至少需要 8 位。"),
    "too_long": _l("密码不能超过 128 位。"),
    "too_common": _l("密码过于简单，请换一个。"),
    "same_as_login": _l("密码不能与账号相同。"),
}


class PasswordRefused(DomainError):
    """The new password is too weak; the message says why."""


def hash_password(password: str, login: str = "") -> str:
    """Hash a new password; raises `PasswordRefused`."""
    problem = domain.password_problem(password, login)
    if problem:
        raise PasswordRefused(f"password_{problem}", _PROBLEMS[problem], field="password")
    return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Compare; without a hash the same work is done and the answer is no."""
    if len(password) > domain.MAX_PASSWORD:
        return False
    try:
        matches = _hasher.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def refreshed(password_hash: str, password: str) -> str:
    """The hash again, in today's strength when it was made with an older one."""
    return _hasher.hash(password) if _hasher.check_needs_rehash(password_hash) else password_hash


def credential_mark(password_hash: str, second_factor: bytes | None = None) -> str:
    """A short mark kept in sessions: it changes with password and second factor, which ends them.

    Who resets either does so because somebody else may have got in.
    """
    return hashlib.sha256(password_hash.encode() + (second_factor or b"")).hexdigest()[:16]


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
