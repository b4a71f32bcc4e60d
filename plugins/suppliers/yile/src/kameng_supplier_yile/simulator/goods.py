"""What the stand-in sells: enough for more than one page."""

from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferField, OfferKind

ACCOUNT = (OfferField(name="value1", label="充值账号"),)
PHONE = (OfferField(name="value1", label="手机号"),)
PLAYER = (OfferField(name="value1", label="QQ 号"), OfferField(name="value2", label="游戏大区"))


def _cards(first: int, category: str, name: str, *prices: int) -> list[Goods]:
    """Card goods of several face values in yuan, at 97 of a hundred."""
    return [
        Goods(
            ref=str(first + at), name=f"{name} {yuan} 元", category=category,
            cost=Money(yuan * 9_700), stock=500, maximum=100,
        )
        for at, yuan in enumerate(prices)
    ]  # fmt: skip


def _top_ups(
    first: int, category: str, name: str, fields: tuple[OfferField, ...], *costs: int
) -> list[Goods]:
    """Top-ups; costs are units of a hundredth of a fen."""
    return [
        Goods(
            ref=str(first + at), name=f"{name}（{at + 1} 档）", category=category,
            cost=Money(cost), kind=OfferKind.TOP_UP, fields=fields, maximum=1000,
        )
        for at, cost in enumerate(costs)
    ]  # fmt: skip


GOODS = (
    *_cards(101, "游戏点卡 / 腾讯", "腾讯 Q 币卡", 10, 30, 50, 100),
    *_cards(111, "游戏点卡 / 网易", "网易一卡通", 15, 30, 50, 100),
    *_cards(121, "游戏点卡 / Steam", "Steam 充值卡", 50, 100, 200),
    *_cards(131, "视频会员 / 激活码", "芒果 TV 会员激活码", 15, 30, 88),
    *_top_ups(201, "话费充值", "全国话费慢充", PHONE, 95_500, 286_500, 477_500, 955_000),
    *_top_ups(211, "视频会员 / 直充", "爱奇艺黄金会员", ACCOUNT, 128_000, 356_000, 1_180_000),
    *_top_ups(221, "游戏直充", "王者荣耀点券", PLAYER, 58_800, 588_000),
    # What the demo's shop sells, under its invented name.
    *_top_ups(241, "话费充值", "三网话费秒充", PHONE, 258_000, 430_000, 860_000, 1_720_000),
    *_top_ups(231, "社区服务", "短视频点赞", ACCOUNT, 3, 12),
)
