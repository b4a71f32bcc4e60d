"""Checks of names and forms, with a sentence for each refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, text

from kameng.db import db
from kameng.errors import Conflict, DomainError
from kameng.stations import domain
from kameng.stations.models import Station, StationApplication

SLUG_PROBLEMS: dict[str, Any] = {
    "format": _l("店铺网址只能使用小写字母、数字和连字符，且不能以连字符开头或结尾。"),
    "length": _l("店铺网址需要 3 到 32 个字符。"),
    "double_hyphen": _l("店铺网址不能包含连续的连字符。"),
    "punycode": _l("店铺网址不能以 xn-- 开头。"),
    "reserved": _l("这个网址是系统保留的，请换一个。"),
    "reserved_look_alike": _l("这个网址与系统保留网址过于相似，请换一个。"),
}
NAME_PROBLEMS: dict[str, Any] = {
    "length": _l("店铺名称需要 2 到 20 个字。"),
    "markup": _l("店铺名称不能包含代码或特殊符号。"),
    "invisible": _l("店铺名称包含不可见字符，请重新输入。"),
    "script": _l("店铺名称请使用中文、英文或数字，不能使用外形相近的其他文字。"),
    "characters": _l("店铺名称请使用中文、英文或数字。"),
    "impersonation": _l("店铺名称不能使用“官方”“主站”等容易误认的词。"),
}
CONTACT_FIELDS = ("email", "phone", "wechat", "qq", "hours", "icp", "licence", "address")
APPLICANT_FIELDS = (
    "name", "email", "phone", "subject_kind", "licence_number", "plan", "experience", "channel",
)  # fmt: skip
MAX_TEXT = 500


class StationInvalid(DomainError):
    """A form about a station cannot be taken; `facts["field"]` names the field."""


def checked_slug(slug: str) -> str:
    """A slug in its final spelling; raises `StationInvalid`."""
    slug = domain.normalise_slug(slug)
    problem = domain.slug_problem(slug)
    if problem:
        raise StationInvalid(f"slug_{problem}", SLUG_PROBLEMS[problem], field="slug")
    return slug


def checked_name(name: str) -> str:
    """A name in its final spelling; raises `StationInvalid`."""
    name = domain.normalise_name(name)
    problem = domain.name_problem(name)
    if problem:
        raise StationInvalid(f"name_{problem}", NAME_PROBLEMS[problem], field="name")
    return name


def checked_theme(theme: str) -> str:
    """An id of a theme by its form; whether it is installed, the faces know."""
    if not domain.is_theme(theme):
        raise StationInvalid("theme_invalid", _l("请选择一个主题。"), field="theme")
    return theme


def lock_names() -> None:
    """One at a time may take a name, until the end of the transaction."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('kameng station names'))"))


def refuse_taken(slug: str, name: str, *, except_station: int = 0, except_form: int = 0) -> None:
    """Raise `Conflict` when slug or name is, or looks like, that of another; main scope."""
    stations = db.session.execute(
        select(Station.slug, Station.name).where(
            Station.state != "closed", Station.id != except_station
        )
    ).all()
    forms = db.session.execute(
        select(StationApplication.slug, StationApplication.name).where(
            StationApplication.state == "submitted", StationApplication.id != except_form
        )
    ).all()
    closed = db.session.scalars(select(Station.slug).where(Station.state == "closed")).all()
    taken = [row.slug for row in (*stations, *forms)] + list(closed)
    if slug and slug in taken:
        raise Conflict("slug_taken", _l("这个网址已被使用，请换一个。"), field="slug")
    if slug and domain.look_alike(slug, taken):
        raise Conflict(
            "slug_look_alike", _l("这个网址与已有店铺过于相似，请换一个。"), field="slug"
        )
    key = domain.name_key(name)
    if name and any(domain.name_key(row.name) == key for row in (*stations, *forms)):
        raise Conflict("name_taken", _l("已有店铺使用相同或相近的名称。"), field="name")


def clean_texts(raw: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, str]:
    """Known fields only, as plain short text."""
    found = {name: " ".join(str(raw.get(name) or "").split())[:MAX_TEXT] for name in fields}
    return {name: value for name, value in found.items() if value}
