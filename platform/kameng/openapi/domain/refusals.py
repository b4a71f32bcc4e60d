"""Every refusal of the open API: a stable word and number, a status, a sentence in two languages.

The number is the status with two digits behind it. Neither word nor number is ever given a new
meaning; new ones may come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to be refused; nothing has changed when it is answered."""

    code: str
    number: int
    chinese: str
    english: str

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.number // 100


_ALL = (
    Refusal("json_invalid", 40001, "请求内容不是合法的 JSON 对象", "The body is not a valid JSON object."),
    Refusal("duplicate_parameter", 40002, "同一个参数给了两次", "A parameter is given twice."),
    Refusal("unknown_field", 40003, "有不认识的字段", "There is a field that the interface does not know."),
    Refusal("field_invalid", 40004, "有字段的类型或取值不对", "A field has the wrong type or value."),
    Refusal("field_missing", 40005, "缺少必填的字段", "A required field is missing."),
    Refusal("cursor_invalid", 40006, "翻页标记不对", "The cursor is not one that was given out."),
    Refusal("date_invalid", 40007, "日期不对，或那一天还没有结束", "The date is wrong, or that day is not over yet."),
    Refusal("notify_url_invalid", 40008, "通知地址不可用", "The notification address cannot be used."),
    Refusal("bad_request", 40009, "请求有误", "The request cannot be read."),
    Refusal("key_missing", 40101, "缺少密钥或签名", "Key or signature is missing."),
    Refusal("key_unknown", 40102, "密钥无效", "The key is unknown or revoked."),
    Refusal("timestamp_invalid", 40103, "时间戳无效或相差超过 300 秒", "The timestamp is invalid or off by more than 300 seconds."),
    Refusal("nonce_invalid", 40104, "随机串要 16 到 64 位字母、数字、- 或 _", "A nonce has 16 to 64 letters, digits, - or _."),
    Refusal("nonce_used", 40105, "这个随机串已经用过", "This nonce has been used."),
    Refusal("signature_invalid", 40106, "签名不对", "The signature is wrong."),
    Refusal("insufficient_balance", 40201, "余额不足，没有下单", "The balance is too low; nothing was ordered."),
    Refusal("ip_refused", 40301, "这个来源地址不在密钥的白名单里", "The address is not on the key's list."),
    Refusal("scope_missing", 40302, "这把密钥没有此项权限", "The key lacks the scope for this."),
    Refusal("member_locked", 40303, "会员账号已停用", "The member's account is locked."),
    Refusal("dialect_off", 40304, "本店没有开放这个接口", "This station has not switched the interface on."),
    Refusal("dialect_wrong", 40305, "这把密钥属于另一种接口", "The key belongs to another interface."),
    Refusal("risk_blocked", 40306, "风控拦截，没有下单", "Risk control refused the order; nothing was ordered."),
    Refusal("not_found", 40401, "没有这个地址", "There is no such address."),
    Refusal("order_unknown", 40402, "没有这个订单", "There is no such order."),
    Refusal("sku_unknown", 40403, "没有这个规格", "There is no such SKU."),
    Refusal("request_unknown", 40404, "没有这个退款申请", "There is no such refund request."),
    Refusal("method_not_allowed", 40501, "请求方式有误", "The method is not allowed here."),
    Refusal("conflict", 40901, "同一个商户单号对应了不同的内容", "This merchant_order_no was used with another body."),
    Refusal("not_on_sale", 40902, "这件商品已下架，没有下单", "The SKU is not on sale; nothing was ordered."),
    Refusal("out_of_stock", 40903, "库存不够了，没有下单", "Out of stock; nothing was ordered."),
    Refusal("max_total_exceeded", 40904, "总价超过 max_total，没有下单", "The total is above max_total; nothing was ordered."),
    Refusal("station_closed", 40905, "本店暂停营业，没有下单", "The station is closed; nothing was ordered."),
    Refusal("refund_not_possible", 40906, "这个订单现在不能申请退款", "No refund can be requested for this order now."),
    Refusal("refund_request_open", 40907, "这个订单已有待处理的退款申请", "A refund request of this order is open."),
    Refusal("request_decided", 40908, "这个退款申请已经处理过了", "The refund request has been decided."),
    Refusal("flash_sold_out", 40909, "秒杀已经抢完了，没有下单", "The flash sale is sold out; nothing was ordered."),
    Refusal("flash_once", 40910, "这场秒杀每人只能抢一件", "This member has a unit of this flash sale already; nothing was ordered."),
    Refusal("flash_not_running", 40911, "这场秒杀现在没有进行，没有下单", "The flash sale is not running; nothing was ordered."),
    Refusal("too_large", 41301, "请求内容太大", "The body is too large."),
    Refusal("unknown_host", 42101, "域名未开通", "No station answers at this host."),
    Refusal("quantity_invalid", 42201, "数量不在可购范围内", "The quantity is outside the SKU's limits."),
    Refusal("inputs_invalid", 42202, "充值信息不对", "The inputs do not fit the SKU's fields."),
    Refusal("amount_invalid", 42203, "金额不对", "The amount is wrong."),
    Refusal("too_many", 42901, "请求太频繁", "Too many requests."),
    Refusal("internal", 50001, "系统出错了，请用同一个商户单号重试", "Something broke here; repeat with the same merchant_order_no."),
    Refusal("unavailable", 50301, "服务暂时不可用，请用同一个商户单号重试", "Not available now; repeat with the same merchant_order_no."),
)  # fmt: skip
REFUSALS: Mapping[str, Refusal] = {one.code: one for one in _ALL}
