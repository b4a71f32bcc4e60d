"""Bonus rules as people write and read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from kameng.payments.services.bonuses import KINDS, BonusInvalid, BonusTerms
from kameng.runtime import current_settings

_NUMBER = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?")


def read_bonus(given: Mapping[str, str]) -> BonusTerms:
    """The fields of a form as terms. Amounts in yuan, shares in percent, times by the shop's clock.

    Raises `BonusInvalid` with the field that cannot be read.
    """
    kind = given.get("kind", "")
    if kind not in KINDS:
        raise BonusInvalid("kind", _("请选一种送法"), field="kind")
    value = _hundredths(given.get("value", ""), "value")
    cap = given.get("cap", "").strip()
    return BonusTerms(
        minimum=_hundredths(given.get("minimum", ""), "minimum") * 100,
        kind=kind,
        value=value * 100 if kind == "fixed" else value,
        cap=_hundredths(cap, "cap") * 100 if cap and kind == "percent" else None,
        first_only=given.get("first_only") == "1",
        starts_at=_moment(given.get("starts_at", ""), "starts_at"),
        ends_at=_moment(given.get("ends_at", ""), "ends_at"),
        active=given.get("active") == "1",
        note=given.get("note", "").replace("\0", ""),
    )


def written_bonus(terms: BonusTerms) -> dict[str, str]:
    """Terms as the fields of a form."""
    return {
        "minimum": _plain(terms.minimum // 100),
        "kind": terms.kind,
        "value": _plain(terms.value // 100 if terms.kind == "fixed" else terms.value),
        "cap": _plain(terms.cap // 100) if terms.cap else "",
        "first_only": "1" if terms.first_only else "",
        "starts_at": _local(terms.starts_at),
        "ends_at": _local(terms.ends_at),
        "active": "1" if terms.active else "",
        "note": terms.note,
    }


def bonus_text(terms: BonusTerms) -> str:
    """`充 100 送 5`, `充 100 起送 3%，最多 50`."""
    start = _plain(terms.minimum // 100)
    if terms.kind == "fixed":
        return str(_("充 %(x)s 元送 %(y)s 元", x=start, y=_plain(terms.value // 100)))
    share = _plain(terms.value)
    if terms.cap:
        most = _plain(terms.cap // 100)
        return str(_("充 %(x)s 元起送 %(y)s%%，最多 %(z)s 元", x=start, y=share, z=most))
    return str(_("充 %(x)s 元起送 %(y)s%%", x=start, y=share))


def _hundredths(raw: str, field: str) -> int:
    text = raw.strip()
    match = _NUMBER.fullmatch(text)
    if match is None or not text.isascii():
        raise BonusInvalid(field, _("请填数字，最多两位小数"), field=field)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _plain(hundredths: int) -> str:
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(whole)


def _moment(raw: str, field: str) -> datetime | None:
    if not raw.strip():
        return None
    try:
        found = datetime.fromisoformat(raw.strip()[:20])
    except ValueError:
        raise BonusInvalid(field, _("时间写成 2026-05-01 08:00 这样"), field=field) from None
    if not 2000 <= found.year <= 2200:
        raise BonusInvalid(field, _("时间写成 2026-05-01 08:00 这样"), field=field)
    return found.replace(tzinfo=ZoneInfo(current_settings().timezone))


def _local(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return moment.astimezone(ZoneInfo(current_settings().timezone)).strftime("%Y-%m-%dT%H:%M")
