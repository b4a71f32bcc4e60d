"""Use cases of orders: quote, place, cancel, expire."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, text

from kameng import chance, epoch
from kameng.db import call, call_or_none, current_scope, db, end_reading, run
from kameng.errors import DomainError
from kameng.orders.domain import (
    PlaceRequest,
    flash_refusal,
    lookup_secret,
    order_number,
    secret_digest,
    shopper_key,
)
from kameng.orders.models import Order
from kameng.runtime import current_settings

MAX_QUANTITY = 100_000
BUSY_RETRY_S = 2.0  # cards locked by other buyers may come back: do not say sold out too early


class OrderRefused(DomainError):
    """The order was not placed; nothing was held and no key is burnt."""

    default_status = 409


MESSAGES = {
    "sku_unknown": _l("没有这个规格"),
    "not_on_sale": _l("这件商品已下架，没有下单"),
    "quantity_invalid": _l("数量不在可购范围内"),
    "price_changed": _l("价格刚刚变了，没有扣款，请核对后再付"),
    "hold_limit": _l("您还有未付款的同款订单，请先付款或取消"),
    "station_closed": _l("本店暂停营业，没有下单"),
    "out_of_stock": _l("库存不够了，没有下单"),
    "conflict": _l("同一个请求号对应了不同的内容"),
    "flash_not_running": _l("这场秒杀现在没有进行，没有下单"),
    "flash_sold_out": _l("已经抢完了，没有下单"),
    "flash_once": _l("每人只能抢一件，您已经抢到过了"),
}

CANCEL_REFUSED = {
    "bad_state": _l("订单已付款，不能取消"),
    "recovering": _l("系统正在恢复数据，暂时不能取消"),
}


@dataclass(frozen=True, slots=True)
class Quote:
    """What a SKU costs here and now. Amounts at scale 4; `payable` is whole fen."""

    sku_id: int
    sku_code: str
    sku_name: str
    product_id: int
    product_slug: str
    product_name: str
    kind: str
    quantity: int
    unit_price: int
    total: int
    payable: int
    face_value: int
    min_quantity: int
    max_quantity: int
    explain: list[dict[str, Any]]
    on_sale: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """An order waits for payment. `secret` is the guest's key to it, shown once more on repeat."""

    order_id: int
    order_no: str
    secret: str
    payable: int
    expires_at: datetime
    repeated: bool
    attempt_id: int | None = None
    subject: str = ""  # what the gateway may be told; known where an attempt was opened


@dataclass(frozen=True, slots=True)
class Goods:
    """What a checkout must know of a SKU beforehand. The price is for risk rules alone."""

    sku_id: int
    sku_code: str
    product_id: int
    kind: str
    unit_price: int
    subject: str  # what a gateway may be told


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAttempt:
    """The attempt to open with an order, at an account of the main station; fee at scale 4.

    `order_no` and `secret` are those that the order will have, as `fresh_number` and `secret_of`.
    `risk_score` and `risk_facts` (JSON) complete the decision, which is kept with it. `charge`
    (JSON) is the gateway's answer where it was had without asking anybody.
    """

    order_no: str
    secret: str
    attempt_no: str
    plugin_id: str
    method: str
    account: str
    fee: int
    device: str
    risk_score: int
    risk_facts: str
    charge: str | None = None

    def params(self) -> dict[str, Any]:
        """For `place_and_open`."""
        return {
            "p_risk_score": self.risk_score, "p_risk_facts": self.risk_facts,
            "p_attempt_no": self.attempt_no, "p_plugin": self.plugin_id, "p_method": self.method,
            "p_account": self.account, "p_fee": self.fee, "p_device": self.device,
            "p_charge": self.charge,
        }  # fmt: skip


_known: epoch.Memory[tuple[int, str], Goods] = epoch.Memory("kameng.orders.goods")
QUOTE_SQL = text("""
    SELECT s.id AS sku_id, s.code AS sku_code, s.name AS sku_name, p.id AS product_id,
           p.slug AS product_slug, p.name AS product_name, p.kind, l.price, s.face_value,
           s.min_quantity, s.max_quantity, l.explain,
           l.active AND s.state = 'on_sale' AND p.state = 'on_sale' AS on_sale
      FROM sku s JOIN product p ON p.id = s.product_id
      JOIN listing l ON l.sku_id = s.id AND l.station_id = :station
     WHERE s.code = :code
""")


def quote(sku_code: str, quantity: int) -> Quote:
    """Price of `quantity` pieces at the scope's station; raises `OrderRefused`.

    Rounds to whole fen half up as `place_order` does (design §6).
    """
    if not 1 <= quantity <= MAX_QUANTITY:
        raise _refused("quantity_invalid")
    row = (
        db.session.execute(QUOTE_SQL, {"station": current_scope().station_id, "code": sku_code})
        .mappings()
        .first()
    )
    if row is None:
        raise _refused("sku_unknown", status=404)
    facts = dict(row)
    price = facts.pop("price")
    total = price * quantity
    return Quote(
        **facts,
        quantity=quantity,
        unit_price=price,
        total=total,
        payable=(total + 50) // 100 * 100,
    )


def goods(sku_code: str, quantity: int) -> Goods:
    """A SKU of the scope's station as it is remembered; raises `OrderRefused` as `quote` does.

    Whether it is on sale, and at which price, is decided when the order is placed.
    """
    if not 1 <= quantity <= MAX_QUANTITY:
        raise _refused("quantity_invalid")

    def read() -> Goods:
        end_reading()  # what is remembered for a minute is read by the shortest way
        found = call_or_none("goods_of", p_station=_station_id(), p_code=sku_code)
        if found is None:
            raise _refused("sku_unknown", status=404)
        return Goods(**found)

    return _known.recall((_station_id(), sku_code), read)


def place(
    request: PlaceRequest, risk: tuple[str, list[Any]] = ("allow", []), *,
    sku_id: int | None = None, attempt: FirstAttempt | None = None,
) -> Placed:  # fmt: skip
    """Place an order and hold its cards for `hold_minutes`; raises `OrderRefused`.

    With `attempt` a new order has its first attempt, and the decision is kept, in the same
    statement; `out_of_stock` undoes both. `sku_id` spares the look-up of the code.

    Needs a station scope. The same key and content give the same order again; refusals leave
    nothing behind. A changed price is refused with `new_payable`, so nobody pays other than shown.
    """
    station_id = _station_id()
    if sku_id is None:
        sku_id = quote(request.sku_code, request.quantity).sku_id
    end_reading()  # the one statement below is the whole transaction
    settings = current_settings()
    secret = attempt.secret if attempt else secret_of(request.idempotency_key)
    row = _retrying_busy_stock(
        "place_and_open" if attempt else "place_order",
        p_station=station_id,
        p_channel=request.channel,
        p_key=request.idempotency_key,
        p_hash=request.content_hash(),
        p_member=request.member_id,
        p_shopper=shopper_key(station_id, request.member_id, request.contact),
        p_contact=request.contact,
        p_secret_hash=secret_digest(secret),
        p_ip=request.ip,
        p_order_no=attempt.order_no if attempt else fresh_number(),
        p_sku=sku_id,
        p_quantity=request.quantity,
        p_expected=request.expected_payable,
        p_inputs=json.dumps(dict(request.inputs)),
        p_risk=risk[0],
        p_risk_reasons=json.dumps(risk[1]),
        p_hold_minutes=settings.hold_minutes,
        p_cap_shopper=settings.hold_max_per_shopper,
        p_cap_ip=settings.hold_max_per_ip,
        p_cap_share=settings.hold_max_share_percent,
        p_flash=request.flash_sale or None,
        **(attempt.params() if attempt else {}),
    )
    if row["code"] not in ("ok", "repeat"):
        raise _refused(row["code"], new_payable=row["payable"])
    return Placed(
        row["order_id"],
        row["order_no"],
        secret,
        row["payable"],
        row["expires_at"],
        row["code"] == "repeat",
        row.get("attempt_id"),
        row.get("subject") or "",
    )


def fresh_number() -> str:
    """A number for an order to be placed."""
    return order_number(datetime.now(UTC), chance.randbelow(10**12))


def secret_of(idempotency_key: str) -> str:
    """The guest's key to the order that this request will place, or has placed."""
    return lookup_secret(current_settings().secret_key, _station_id(), idempotency_key)


def _retrying_busy_stock(function: str, **params: Any) -> dict[str, Any]:
    """Call it; while others hold the last cards in open transactions, ask again."""
    give_up = time.monotonic() + BUSY_RETRY_S
    while True:
        try:
            return call(function, **params)
        except psycopg.Error as error:
            busy = error.sqlstate in ("KM005", "40P01", "40001")
            if busy and time.monotonic() < give_up:
                time.sleep(0.05)
                continue
            if busy or error.sqlstate == "KM001":
                raise _refused("out_of_stock") from error
            flash = flash_refusal(error.sqlstate, error.diag.constraint_name)
            if flash:
                raise _refused(flash) from error
            raise


def cancel(order_no: str, actor: str) -> None:
    """Cancel an unpaid order and give its cards back; repeating is harmless.

    Raises `OrderRefused` with code `not_found` or `bad_state` (it has been paid meanwhile).
    """
    db.session.rollback()
    code = call("cancel_order", p_station=_station_id(), p_order_no=order_no, p_actor=actor)["code"]
    if code not in ("ok", "repeat"):
        message = CANCEL_REFUSED.get(code, _l("没有这个订单"))
        raise OrderRefused(code, message, status=404 if code == "not_found" else 409)


def expire_overdue(limit: int = 500) -> int:
    """Expire unpaid orders past their time (main scope); returns how many."""
    expired = int(run("expire_orders", p_limit=limit)[0]["expired"])
    db.session.commit()
    return expired


def complete_old(days: int = 7, limit: int = 2000) -> int:
    """Close delivered orders after the after-sales time (main scope); returns how many."""
    completed = int(run("complete_orders", p_days=days, p_limit=limit)[0]["completed"])
    db.session.commit()
    return completed


def check_secret(order_no: str, secret: str) -> bool:
    """Whether `secret` opens `order_no` at the scope's station; the same time for every answer."""
    stored = db.session.scalar(select(Order.secret_hash).where(Order.order_no == order_no))
    return secrets.compare_digest(stored or bytes(32), secret_digest(secret))


def _station_id() -> int:
    station_id = current_scope().station_id
    if station_id is None:
        raise RuntimeError("orders are placed in a station's scope")
    return station_id


def _refused(code: str, status: int | None = None, **facts: Any) -> OrderRefused:
    return OrderRefused(code, MESSAGES[code], status=status, **facts)
