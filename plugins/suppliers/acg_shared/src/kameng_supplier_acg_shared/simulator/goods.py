"""What the stand-in sells. A reference is the code of the goods and, after `-`, their kind."""

from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferField, OfferKind

ACCOUNT = (OfferField(name="account", label="充值账号"),)
PLAYER = (
    OfferField(name="account", label="游戏账号"),
    OfferField(name="zone", label="大区", choices=("微信区", "QQ 区")),
)


def _goods(
    ref: str, name: str, category: str, cost: str, fields: tuple[OfferField, ...] = ()
) -> Goods:
    return Goods(
        ref=ref, name=name, category=category, cost=Money.parse(cost),
        kind=OfferKind.TOP_UP if fields else OfferKind.CARD,
        stock=300, maximum=50, fields=fields,
    )  # fmt: skip


GOODS = (
    _goods("1001", "Steam 钱包充值码 50 元", "游戏点卡", "47.80"),
    _goods("1002", "网易一卡通 30 元", "游戏点卡", "28.95"),
    _goods("1003-月卡", "芒果 TV 会员 月卡", "视频会员", "13.50"),
    _goods("1003-季卡", "芒果 TV 会员 季卡", "视频会员", "38.00"),
    _goods("1003-年卡", "芒果 TV 会员 年卡", "视频会员", "128.00"),
    _goods("1004", "Python 数据分析课程兑换码", "在线课程", "19.90"),
    _goods("1005", "英语四级冲刺课兑换码", "在线课程", "9.90"),
    _goods("2001", "全国话费 30 元（人工）", "话费充值", "28.65", ACCOUNT),
    _goods("2002", "全国话费 100 元（人工）", "话费充值", "95.50", ACCOUNT),
    _goods("2003", "王者荣耀点券 600 点（人工）", "游戏点卡", "57.00", PLAYER),
)
