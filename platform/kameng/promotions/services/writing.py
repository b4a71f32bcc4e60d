"""A flash sale as people write it into a form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l

from kameng.promotions.domain import Terms
from kameng.promotions.services.planning import WRONG, SaleInvalid
from kameng.runtime import current_settings

_YUAN = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?")


def read_terms(given: Mapping[str, str]) -> Terms:
    """sku, price (yuan), units, starts_at (empty: now) and ends_at by the shop's clock.

    Raises `SaleInvalid` with the field that cannot be read.
    """
    sku = given.get("sku", "").strip()[:100].replace("\0", "")
    if not sku:
        raise SaleInvalid("sku_unknown", WRONG["sku_unknown"][1], field="sku")
    units = given.get("units", "").strip()
    if not (units.isascii() and units.isdigit() and len(units) < 6):
        raise SaleInvalid("units_invalid", WRONG["units_invalid"][1], field="units")
    starts = given.get("starts_at", "").strip()
    return Terms(
        sku_code=sku, price=_price(given.get("price", "")), units=int(units),
        starts_at=_moment(starts, "starts_at") if starts else datetime.now(UTC),
        ends_at=_moment(given.get("ends_at", "").strip(), "ends_at"),
    )  # fmt: skip


def _price(written: str) -> int:
    found = _YUAN.fullmatch(written.strip()) if written.isascii() else None
    if found is None:
        raise SaleInvalid("price_above", WRONG["price_above"][1], field="price")
    return (int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))) * 100


def _moment(written: str, field: str) -> datetime:
    try:
        return datetime.strptime(written[:16], "%Y-%m-%dT%H:%M").replace(
            tzinfo=ZoneInfo(current_settings().timezone)
        )
    except ValueError:
        raise SaleInvalid("time_invalid", _l("请填时间"), field=field) from None
