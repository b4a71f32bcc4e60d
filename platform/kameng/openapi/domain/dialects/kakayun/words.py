"""Codes of 卡卡云 v3. All but 1 and 9999 tell its readers that nothing was done."""

from __future__ import annotations

from collections.abc import Mapping

DONE, UNKNOWN, OTHER, CANNOT = 1, 9999, -1, 0
NO_NUMBER = 1300
CODES: Mapping[str, tuple[int, str]] = {
    "signature_invalid": (401, "签名效验失败"),
    "ip_refused": (402, "IP不在白名单"),
    "timestamp_invalid": (403, "时间戳过期"),
    "too_many": (404, "请求频繁"),
    "key_unknown": (1000, "商户ID无效"),
    "dialect_wrong": (1000, "商户ID无效"),
    "member_locked": (1001, "商户被禁用"),
    "dialect_off": (1002, "商户ID未开通对接权限"),
    "scope_missing": (1002, "这把密钥没有此项权限"),
    "quantity_invalid": (1204, "购买数量超出限制"),
    "conflict": (1205, "用户订单号已存在，内容不同"),
    "not_on_sale": (1206, "商品不存在或者已下架"),
    "out_of_stock": (1206, "商品库存不足"),
    "station_closed": (1207, "本店暂停营业"),
    "risk_blocked": (1209, "风控拦截，没有下单"),
    "max_total_exceeded": (1210, "存在亏本"),
    "inputs_invalid": (1211, "充值字段错误"),
    "insufficient_balance": (1213, "用户余额不足"),
    "sku_unknown": (1214, "商品不存在"),
    "order_unknown": (1301, "订单不存在"),
    "notify_url_invalid": (1401, "接收推送网址格式不正确"),
    "refund_not_possible": (CANNOT, "退款失败:这个订单现在不能申请退款"),
    "refund_request_open": (CANNOT, "退款失败:已有待处理的退款申请"),
    "json_invalid": (OTHER, "请求内容不是合法的 JSON 对象或表单"),
    "duplicate_parameter": (OTHER, "同一个参数给了两次"),
    "field_invalid": (OTHER, "参数格式错误"),
    "field_missing": (OTHER, "参数不能为空"),
    "bad_request": (OTHER, "参数错误"),
    "too_large": (OTHER, "请求内容太大"),
    "not_found": (OTHER, "没有这个接口"),
    "not_offered": (OTHER, "本站不提供此接口"),
    "method_not_allowed": (OTHER, "请求方式有误，只支持 POST"),
    "unknown_host": (OTHER, "域名未开通"),
    "internal": (UNKNOWN, "系统异常"),
    "unavailable": (UNKNOWN, "系统异常"),
}
# A missing parameter has a code of its own where the papers name one; a wrong one likewise.
MISSING: Mapping[str, int] = {
    "sign": 1200, "userid": 1201, "timestamp": 1202, "goodsid": 1203, "buynum": 1204,
    "orderno": NO_NUMBER, "receiveurl": 1400,
}  # fmt: skip
WRONG: Mapping[str, int] = {"buynum": 1204, "goodsid": 1214, "attach": 1211}


def refusal(code: str, field: str = "") -> tuple[int, str]:
    """Number and words for a refusal."""
    number, words = CODES.get(code, (OTHER, "其他错误"))
    if code == "field_missing":
        number = MISSING.get(field, number)
    if code == "field_invalid":
        number = WRONG.get(field, number)
    return number, f"{words}：{field}" if field else words
