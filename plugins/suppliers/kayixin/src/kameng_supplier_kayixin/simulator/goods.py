"""What the simulated site sells: names, costs and fields as such sites have them; none is real."""

from __future__ import annotations

from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferField, OfferKind

PHONE = (OfferField(name="手机号码", label="手机号码"),)
GAME = (
    OfferField(name="游戏账号", label="游戏账号"),
    OfferField(name="区服", label="区服", choices=("一区", "二区")),
)
ACCOUNT = (OfferField(name="充值账号", label="充值账号"),)
VARIANTS = {"6601": "网易云音乐黑胶会员"}
"""Goods with several variants: their number before the colon, and their common name."""


def _card(ref: str, name: str, category: str, cost: str, stock: int = 5000) -> Goods:
    return Goods(ref=ref, name=name, category=category, cost=Money.parse(cost), stock=stock)


def _top_up(ref: str, name: str, category: str, cost: str, fields: tuple[OfferField, ...]) -> Goods:
    return Goods(
        ref=ref, name=name, category=category, cost=Money.parse(cost), kind=OfferKind.TOP_UP,
        stock=5000, maximum=10, fields=fields,
    )  # fmt: skip


def _flow() -> tuple[Goods, ...]:
    """Mobile data of every province: more than one page."""
    names = "北京 上海 天津 重庆 广东 江苏 浙江 山东 四川 湖北 湖南 河南 河北 福建 安徽 陕西"
    return tuple(
        _top_up(
            str(6800 + number), f"{place}移动流量 10G 月包", "话费流量 / 流量",
            Money(285_000 + 1_000 * number).format(4), PHONE,
        )
        for number, place in enumerate(names.split())
    )  # fmt: skip


GOODS = (
    _card("6501", "Apple 充值卡 100 元", "游戏点卡 / 苹果", "97.5"),
    _card("6502", "Apple 充值卡 500 元", "游戏点卡 / 苹果", "487.5"),
    _card("6503", "Xbox 礼品卡 50 元", "游戏点卡 / 主机", "48.65"),
    _top_up("6511", "和平精英 点券 6480", "游戏点卡 / 直充", "601.2", GAME),
    _top_up("6512", "QQ 币 100 个", "游戏点卡 / 直充", "96.8", ACCOUNT),
    _top_up("6551", "全国移动话费 100 元", "话费流量 / 话费", "99.45", PHONE),
    _top_up("6552", "全国电信话费 50 元", "话费流量 / 话费", "49.4", PHONE),
    *_flow(),
    _card("6601:M1", "网易云音乐黑胶会员 月卡", "影音会员 / 音乐", "9.9"),
    _card("6601:Y1", "网易云音乐黑胶会员 年卡", "影音会员 / 音乐", "98.8"),
    _top_up("6602", "优酷视频会员 季卡", "影音会员 / 视频", "45.6", ACCOUNT),
    _card("6701", "雅思词汇课 兑换码", "知识课程 / 语言", "29.9"),
    # What the demo's shop sells, under its invented names.
    _top_up("6831", "全国流量 5G 月包", "话费流量 / 流量", "25.5", PHONE),
    _top_up("6832", "全国流量 10G 月包", "话费流量 / 流量", "42.5", PHONE),
    _top_up("6841", "物联卡 12 个月", "话费流量 / 流量", "50.4", ACCOUNT),
    _card("6611", "蜂鸟音乐会员 月卡", "影音会员 / 音乐", "11.7", 600),
    _card("6612", "蜂鸟音乐会员 年卡", "影音会员 / 音乐", "131.04", 300),
    _card("6621", "山外纪录片馆 年卡", "影音会员 / 视频", "129.8", 120),
    _card("6631", "云阁网盘 月卡", "影音会员 / 网盘", "15.2", 400),
)
