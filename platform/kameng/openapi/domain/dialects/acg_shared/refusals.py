"""Refusals as the store's source words them: clients know them by how they begin."""

from __future__ import annotations

from collections.abc import Mapping

from kameng.openapi.domain.dialects.wire import code_of_http
from kameng.openapi.domain.refusals import REFUSALS

# Beginnings that clients take for "surely nothing was bought" stand first in each text.
WORDS: Mapping[str, str] = {
    "key_unknown": "商户ID不存在",
    "dialect_wrong": "商户ID不存在",
    "signature_invalid": "密钥错误",
    "ip_refused": "密钥错误：来源地址不在白名单里",
    "scope_missing": "密钥错误：没有此项权限",
    "dialect_off": "密钥错误：本店没有开放共享店铺接口",
    "member_locked": "You have been banned",
    "sku_unknown": "商品不存在",
    "not_on_sale": "当前商品已停售",
    "station_closed": "当前商品已停售：本店暂停营业",
    "risk_blocked": "该商品未开放对接：风控拦截",
    "out_of_stock": "库存不足",
    "insufficient_balance": "余额不足",
    "quantity_invalid": "本商品单次最多购买的数量不符",
    "inputs_invalid": "请选择或填写正确的充值信息",
    # Not sure at all for the client: the first one has bought.
    "conflict": "The request ID already exists",
    "order_unknown": "订单不存在",
}


class No(Exception):
    """A refusal in the store's words; HTTP says 200 all the same, as the store does."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def refusal_of(code: str, status: int) -> No:
    """One of our refusals in the store's words."""
    known = REFUSALS.get(code) or REFUSALS[code_of_http(status)]
    return No(WORDS.get(code, known.chinese))


def wrong_quantity(minimum: int, maximum: int, wanted: int) -> No:
    """Which of the limits it is."""
    if wanted < 1:
        return No("至少购买1个")
    if wanted < minimum:
        return No(f"本商品最少购买{minimum}个")
    return No(f"本商品单次最多购买{maximum}个")
