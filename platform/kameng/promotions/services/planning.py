"""A station plans flash sales and closes them."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import UTC, datetime

from flask_babel import lazy_gettext as _l

from kameng import redis
from kameng.db import current_scope, db, run
from kameng.errors import DomainError
from kameng.identity.api import audit
from kameng.promotions.domain import Terms, sale_number
from kameng.promotions.services import reconciling


class SaleInvalid(DomainError):
    """The sale cannot be planned like this; `field` says where, nothing has changed."""

    default_status = 422


# code: (the form's field, what is wrong with it)
WRONG = {
    "sku_unknown": ("sku", _l("货架上没有这个规格")),
    "not_on_sale": ("sku", _l("这个规格没有在售，先上架再做秒杀")),
    "quantity_invalid": ("sku", _l("这个规格不能只买一件，做不了秒杀")),
    "sale_open": ("sku", _l("这个规格已有一场没结束的秒杀")),
    "units_invalid": ("units", _l("份数要在 1 到 5000 之间")),
    "time_invalid": ("ends_at", _l("结束要晚于开始和现在，一场最长 31 天，最多提前一年安排")),
    "price_above": ("price", _l("秒杀价要大于 0、不高于现在的售价，精确到分")),
    "price_below": ("price", _l("秒杀价不能低于本店的进货价")),
}


def plan_sale(terms: Terms, actor: str, ip: str = "", *, station_id: int | None = None) -> str:
    """Plan a sale at the scope's station (main scope names it); returns its number. Commits.

    Its units are made at once. Raises `SaleInvalid` with the field, and with `price` (the normal
    one) and `buy_price` for a price that is too high or too low.
    """
    station = _station(station_id)
    number = sale_number(datetime.now(UTC), secrets.randbelow(10**10))
    row = run(
        "plan_flash_sale", p_station=station, p_sale_no=number, p_sku=terms.sku_code,
        p_price=terms.price, p_units=terms.units, p_starts=terms.starts_at, p_ends=terms.ends_at,
        p_actor=actor,
    )[0]  # fmt: skip
    if row["code"] != "ok":
        db.session.rollback()
        field, message = WRONG[row["code"]]
        raise SaleInvalid(
            row["code"], message, field=field, price=row["price"], buy_price=row["buy_price"]
        )
    facts = {"sku": terms.sku_code, "price": terms.price, "units": terms.units}
    audit(actor, "flash.plan", f"flash:{number}", facts, ip, station_id=station)
    db.session.commit()
    _count_anew(station, number)
    return number


def close_sale(sale_no: str, actor: str, ip: str = "", *, station_id: int | None = None) -> str:
    """End a sale that runs, cancel one that has not begun; returns its state. Commits.

    Repeating is harmless. Orders of the sale stay as they are. Raises `DomainError` not_found.
    """
    station = _station(station_id)
    row = run("close_flash_sale", p_station=station, p_sale_no=sale_no, p_actor=actor)[0]
    if row["code"] == "not_found":
        db.session.rollback()
        raise DomainError("not_found", _l("没有这场秒杀"), 404)
    if row["code"] == "ok":
        audit(actor, f"flash.{row['state']}", f"flash:{sale_no}", {}, ip, station_id=station)
    db.session.commit()
    _count_anew(station, sale_no)
    return str(row["state"])


def _count_anew(station: int, sale_no: str) -> None:
    with suppress(redis.RedisError):  # PostgreSQL has decided; the watch tells the gate then
        reconciling.reconcile(station, sale_no)


def _station(given: int | None) -> int:
    station = given or current_scope().station_id
    if station is None:
        raise RuntimeError("a flash sale belongs to a station")
    return station
