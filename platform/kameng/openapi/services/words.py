"""Names of interfaces, scopes and modes, and what the other shop's form calls its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class DialectWords:
    """One interface in words: name, one sentence, and the labels of its three settings."""

    name: Any
    note: Any
    address: Any
    account: Any
    secret: Any


DIALECT_WORDS: Mapping[str, DialectWords] = {
    "native": DialectWords(
        _l("原生接口"), _l("给自己写程序的人：每个请求都签名，最安全、功能最全"),
        _l("接口地址"), "Kameng-Key", _l("密钥"),
    ),
    "dujiao-next": DialectWords(
        _l("独角数卡 Next"), _l("对方用独角数卡 Next 开店，填好就能对接"),
        _l("站点地址"), "API Key", "API Secret",
    ),
    "kasushou": DialectWords(
        _l("卡速售 2.0"), _l("对方用卡速售 2.0 或同系统，填好就能对接"),
        _l("平台地址"), _l("接口 appid（UserId）"), _l("接口密钥（apikey）"),
    ),
    "kakayun": DialectWords(
        _l("卡卡云 v3"), _l("对方用卡卡云 v3，填好就能对接"),
        _l("供货站网址"), _l("商户 ID"), _l("商户 KEY"),
    ),
    "acg-shared": DialectWords(
        _l("异次元共享店铺"), _l("对方用异次元发卡的共享店铺，填好就能对接"),
        _l("店铺地址"), _l("商户 ID"), _l("密钥"),
    ),
}  # fmt: skip
SCOPE_WORDS: Mapping[str, Any] = {
    "account.read": _l("查余额和等级"),
    "products.read": _l("查商品、价格和库存"),
    "orders.read": _l("查订单和卡密"),
    "orders.write": _l("下单（花余额）"),
    "refunds.write": _l("申请退款"),
}
INSECURE_RISK = _l(
    "密钥明文放在每个请求里：谁读到一个请求，就能花掉这个会员的余额。请求没有时间戳，可以被重放。"
)
