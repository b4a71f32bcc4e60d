"""Refusals of 卡速售 2.0: one code for all, so that its readers go by the words."""

from __future__ import annotations

from collections.abc import Mapping

DONE, REFUSED, UNKNOWN = 200, 400, 500
DOUBT = frozenset({"internal", "unavailable"})
WORDS: Mapping[str, str] = {
    "json_invalid": "参数错误，不是合法的 JSON 对象",
    "duplicate_parameter": "参数错误，同一个参数给了两次",
    "field_invalid": "参数错误",
    "field_missing": "参数不能为空",
    "bad_request": "参数错误",
    "notify_url_invalid": "参数错误，通知地址不可用",
    "amount_invalid": "参数错误，金额不对",
    "inputs_invalid": "下单参数错误",
    "quantity_invalid": "购买数量超出限制",
    "key_missing": "签名参数不能为空",
    "key_unknown": "用户不存在",
    "dialect_wrong": "用户不存在",
    "timestamp_invalid": "时间戳已过期",
    "signature_invalid": "签名错误",
    "ip_refused": "IP 不在白名单",
    "scope_missing": "无权限使用此接口",
    "member_locked": "用户已停用，无权限",
    "dialect_off": "本店未授权此接口",
    "risk_blocked": "风控拦截，无权限下单",
    "insufficient_balance": "用户余额不足",
    "max_total_exceeded": "商品售价高于安全价格",
    "out_of_stock": "商品库存不足",
    "not_on_sale": "商品已下架",
    "sku_unknown": "商品不存在",
    "station_closed": "本店暂停营业",
    "conflict": "三方订单号已存在，内容不同",
    "order_unknown": "订单不存在",
    "refund_not_possible": "当前订单状态不能撤单",
    "refund_request_open": "已有待处理的退款申请",
    "too_many": "请求太频繁，请稍后再试",
    "too_large": "请求内容太大",
    "not_found": "没有这个接口",
    "method_not_allowed": "请求方式有误，只支持 POST",
    "unknown_host": "域名未开通",
}
OTHER, BROKEN = "请求被拒绝", "未知错误"


def refusal(code: str, field: str = "") -> tuple[int, str]:
    """The number and the words for a refusal; 500 is this system's "unknown: ask"."""
    if code in DOUBT:
        return UNKNOWN, BROKEN
    words = WORDS.get(code, OTHER)
    return REFUSED, f"{words}：{field}" if field else words
