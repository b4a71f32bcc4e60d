"""What the simulated site sells: names, costs and fields as such sites have them; none is real."""

from __future__ import annotations

from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferField, OfferKind

PHONE = (OfferField(name="recharge_account", label="手机号码"),)
GAME = (
    OfferField(name="recharge_account", label="游戏账号"),
    OfferField(name="lblName1", label="区服", choices=("微信区", "QQ区")),
)
ROLE = (
    OfferField(name="recharge_account", label="角色编号"),
    OfferField(name="lblName1", label="区服", choices=("青龙", "白虎", "朱雀", "玄武")),
)
ACCOUNT = (OfferField(name="recharge_account", label="充值账号"),)
CARRIERS = (("移动", 0), ("联通", 1), ("电信", 2))
FACES = (10, 20, 30, 50, 100, 200, 300, 500)


def _card(ref: str, name: str, category: str, cost: str, stock: int) -> Goods:
    return Goods(ref=ref, name=name, category=category, cost=Money.parse(cost), stock=stock)


def _top_up(ref: str, name: str, category: str, cost: str, fields: tuple[OfferField, ...]) -> Goods:
    return Goods(
        ref=ref, name=name, category=category, cost=Money.parse(cost), kind=OfferKind.TOP_UP,
        maximum=10, fields=fields,
    )  # fmt: skip


def _phone_bills() -> tuple[Goods, ...]:
    """More than one page of a category: 24 face values, each a little below its face."""
    return tuple(
        _top_up(
            str(3000 + 100 * number + face // 5), f"{carrier}话费 {face} 元 快充",
            "话费充值 / 全国话费", Money(face * 9_950).format(4), PHONE,
        )
        for carrier, number in CARRIERS
        for face in FACES
    )  # fmt: skip


GOODS = (
    _card("2901", "Steam 充值卡 50 元", "游戏卡密 / Steam", "46.8", 5000),
    _card("2902", "Steam 充值卡 100 元", "游戏卡密 / Steam", "93.2", 5000),
    _card("2903", "骏网一卡通 30 元", "游戏卡密 / 点卡", "29.1", 5000),
    _card("2904", "完美一卡通 100 元", "游戏卡密 / 点卡", "96.45", 5000),
    _top_up("2911", "王者荣耀点券 600", "游戏直充 / 手游", "57.6", GAME),
    _top_up("2912", "原神 创世结晶 648", "游戏直充 / 手游", "602.64", ACCOUNT),
    *_phone_bills(),
    _card("4001", "爱奇艺黄金会员 月卡", "影视会员 / 卡密", "18.35", 5000),
    _top_up("4002", "腾讯视频 VIP 月卡 直充", "影视会员 / 直充", "19.8", ACCOUNT),
    _top_up("4003", "哔哩哔哩大会员 年卡 直充", "影视会员 / 直充", "128.0", ACCOUNT),
    _card("5001", "Python 实战课 兑换码", "知识课程 / 编程", "39.9", 5000),
    # What the demo's shop sells, under its invented names.
    _top_up("3401", "三网话费 30 元 极速", "话费充值 / 全国话费", "26.3", PHONE),
    _top_up("3402", "三网话费 50 元 极速", "话费充值 / 全国话费", "43.8", PHONE),
    _top_up("3403", "三网话费 100 元 极速", "话费充值 / 全国话费", "87.6", PHONE),
    _top_up("3404", "三网话费 200 元 极速", "话费充值 / 全国话费", "175.2", PHONE),
    _top_up("2921", "像素领主 钻石 68 颗", "游戏直充 / 手游", "5.1", ROLE),
    _top_up("2922", "像素领主 钻石 680 颗", "游戏直充 / 手游", "57.8", ROLE),
    _card("2931", "星海点券 100 元", "游戏卡密 / 点卡", "86.6", 800),
)
