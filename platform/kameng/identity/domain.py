"""Logins, passwords and role templates. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_LOGIN = 64
MIN_PASSWORD, MAX_PASSWORD = 8, 128

# A step is 30 s; one step of grace to either side.
TOTP_STEP_S = 30
TOTP_WINDOW = 1
LOCK_AFTER_FAILURES = 10
LOCK_WINDOW_MIN = 15

_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_PHONE = re.compile(r"\+?\d{6,15}")
_STAFF = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
_COMMON = frozenset(
    [
        "12345678",
        "123456789",
        "1234567890",
        "11111111",
        "00000000",
        "88888888",
        "66666666",
        "password",
        "password1",
        "passw0rd",
        "qwertyui",
        "qwerty123",
        "abc12345",
        "a1234567",
        "1q2w3e4r",
        "woaini1314",
        "5201314520",
        "iloveyou",
        "admin123",
        "admin888",
        "admin1234",
        "letmein1",
        "welcome1",
        "123123123",
        "12341234",
        "87654321",
    ]
)

MAIN_PERMISSIONS: dict[str, tuple[str, ...]] = {
    "admin": ("*",),
    "support": (
        "dashboard.view",
        "order.view",
        "order.manage",
        "order.deliver",
        "member.view",
        "payment.view",
        "product.view",
        "stock.view",
        "station.view",
        "openapi.view",
        "refund.create",
    ),
    "finance": (
        "dashboard.view",
        "order.view",
        "payment.view",
        "payment.manage",
        "payment.confirm",
        "ledger.view",
        "ledger.adjust",
        "reconcile.view",
        "reconcile.resolve",
        "settlement.view",
        "settlement.manage",
        "withdrawal.view",
        "withdrawal.pay",
        "approval.vote",
        "refund.view",
        "refund.create",
        "price.view",
        "cost.view",
        "supplier.view",
        "supplier.pay",
        "station.view",
        "member.view",
    ),
    "risk": (
        "dashboard.view",
        "order.view",
        "order.manage",
        "risk.view",
        "risk.decide",
        "member.view",
        "member.manage",
        "payment.view",
        "audit.view",
        "station.view",
        "openapi.view",
        "openapi.manage",
    ),
    "purchasing": (
        "dashboard.view",
        "product.view",
        "product.edit",
        "stock.view",
        "card.import",
        "card.void",
        "cost.view",
        "cost.edit",
        "price.view",
        "supplier.view",
        "supplier.manage",
        "supplier.review",
        "supplier.pay",
        "supply.route",
        "supply.plan",
        "dispute.manage",
        "order.view",
        "order.deliver",
        "job.view",
    ),
    "operations": (
        "dashboard.view",
        "product.view",
        "product.edit",
        "price.view",
        "price.edit",
        "stock.view",
        "card.import",
        "station.view",
        "station.review",
        "station.manage",
        "order.view",
        "member.view",
        "plugin.view",
        "openapi.view",
        "openapi.manage",
        "job.view",
        "alert.view",
    ),
}
STATION_PERMISSIONS: dict[str, tuple[str, ...]] = {
    "owner": ("*",),
    "clerk": ("dashboard.view", "order.view", "member.view", "product.view", "price.view"),
}
ROLE_NAMES = {
    "admin": "超级管理员",
    "support": "客服",
    "finance": "财务",
    "risk": "风控",
    "purchasing": "采购",
    "operations": "运营",
    "owner": "店长",
    "clerk": "店员",
}


@dataclass(frozen=True, slots=True)
class RoleTemplate:
    """A role that every station of a kind starts with."""

    code: str
    name: str
    permissions: tuple[str, ...]


def role_templates(station_id: int) -> list[RoleTemplate]:
    """Builtin roles of the main station or of a station below it."""
    templates = MAIN_PERMISSIONS if station_id == 1 else STATION_PERMISSIONS
    return [RoleTemplate(code, ROLE_NAMES[code], codes) for code, codes in templates.items()]


def normalise_login(login: str) -> str:
    """One spelling per account: NFKC, lower case, no spaces around."""
    return unicodedata.normalize("NFKC", login).strip().lower()


def is_member_login(login: str) -> bool:
    """Whether a normalised login is an e-mail address or a phone number."""
    if len(login) > MAX_LOGIN:
        return False
    return bool(_EMAIL.fullmatch(login) or _PHONE.fullmatch(login))


def is_staff_login(login: str) -> bool:
    """Whether a normalised login can be a staff's."""
    return bool(_STAFF.fullmatch(login))


def password_problem(password: str, login: str) -> str:
    """ "" when fine, else a code: too_short, too_long, too_common, same_as_login."""
    if len(password) < MIN_PASSWORD:
        return "too_short"
    if len(password) > MAX_PASSWORD:
        return "too_long"
    folded = password.casefold()
    if folded in _COMMON or len(set(folded)) < 3:
        return "too_common"
    if login and folded == login.casefold():
        return "same_as_login"
    return ""


def totp_steps(now_s: float) -> range:
    """The steps whose codes are taken at this moment."""
    step = int(now_s) // TOTP_STEP_S
    return range(step - TOTP_WINDOW, step + TOTP_WINDOW + 1)


def holds(permissions: frozenset[str], wanted: str) -> bool:
    """Whether a set of permission codes covers one."""
    return "*" in permissions or wanted in permissions
