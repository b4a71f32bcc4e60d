"""What a trade asks for, and how an order is told: paid or not, and a text where cards stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.dialects.acg_shared.form import Form, text_of, whole_of
from kameng.openapi.domain.dialects.acg_shared.goods import check_variant, is_card
from kameng.openapi.domain.dialects.acg_shared.refusals import No
from kameng.openapi.domain.dialects.wire import row_id
from kameng.openapi.domain.facts import CardFacts, OrderFacts

REQUEST_NO = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:/-]{0,18}")
# Clients know these for no card, by the words in them.
WAIT = "正在发货中，请耐心等待，如有疑问，请联系客服。"
GONE = "没有发货信息，款项已退回余额，请联系客服。"
DONE_TEXT = "充值成功，请查收"
UNPAID, PAID = 0, 1
OVER = frozenset({"pending_payment", "cancelled", "expired", "refunded"})
DONE = frozenset({"delivered", "completed"})


@dataclass(frozen=True, slots=True)
class Wish:
    """One trade. ``number`` is the downstream store's own and makes the order once."""

    sku_id: int
    quantity: int
    number: str


def read_wish(form: Form) -> Wish:
    """Raises `No`. Contact, device and password of the store's shopper are not looked at."""
    quantity, number = whole_of(form, "num"), text_of(form, "request_no")
    if not REQUEST_NO.fullmatch(number):
        raise No("request_no 必填，1 到 19 位字母、数字或 -")
    if whole_of(form, "card_id"):
        raise No("该商品不支持预选")
    check_variant(form)
    return Wish(sku_id_of(form, "shared_code"), quantity, number)


def sku_id_of(form: Form, name: str) -> int:
    """The SKU that a code names; raises `No`."""
    text = text_of(form, name)
    if not text:
        raise No("商品代码不能为空")
    number = row_id(text)
    if number is None:
        raise No("商品不存在")
    return number


def traded(order: OrderFacts) -> dict[str, Any]:
    """The answer to a trade, and to its repeat.

    What is done by hand waits here even when it is done already: clients take the text that
    stands here for the one that waits, and another one later for the end.
    """
    secret = _secret(order) if is_card(order.kind) else WAIT
    return {
        "url": "",
        "amount": decimal(order.total),
        "tradeNo": order.order_no,
        "secret": secret,
        "leave_message": None,
    }


def told(order: OrderFacts) -> dict[str, Any]:
    """The answer to a question. An order whose money came back counts as not paid: the protocol
    has no other word that makes a person look."""
    unpaid = order.state in OVER and not order.cards
    secret = GONE if unpaid else _secret(order)
    return {"secret": secret, "widget": None, "status": UNPAID if unpaid else PAID}


def _secret(order: OrderFacts) -> str:
    """Cards a line each once all are there, or the text for those who wait."""
    if order.state not in DONE and not (order.state in ("refunding", "refunded") and order.cards):
        return WAIT
    lines = [_line(card) for card in order.cards]
    if is_card(order.kind):
        return "\n".join(lines) or WAIT
    return "\n".join([*lines, *filter(None, [order.delivery_text])]) or DONE_TEXT


def _line(card: CardFacts) -> str:
    """`number----code`, or the code alone."""
    parts = (" ".join(part.splitlines()) for part in (card.number, card.code))
    return "----".join(filter(None, parts))
