"""What the simulated supplier sells: enough for two pages of its list."""

from collections.abc import Iterator

from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferField, OfferKind

PHONE = (OfferField(name="充值帐号", label="请输入手机号码"),)
QQ = (OfferField(name="充值帐号", label="请输入 QQ 号"),)
REALM = (
    OfferField(name="游戏帐号", label="请输入游戏帐号"),
    OfferField(name="游戏大区", label="例如：电信一区"),
    OfferField(name="联系手机", label="出错时联系"),
)
# Types of fields as the papers number them.
TYPES = {"充值帐号": 1, "游戏大区": 3, "联系手机": 10, "游戏帐号": 14}
# Group, kind, fields, discount in hundredths, names, faces in yuan.
Line = tuple[str, OfferKind, tuple[OfferField, ...], int, tuple[str, ...], tuple[int, ...]]
LINES: tuple[Line, ...] = (
    ("话费充值 / 三网话费", OfferKind.TOP_UP, PHONE, 97,
     ("中国移动话费", "中国联通话费", "中国电信话费"), (10, 20, 30, 50, 100, 200, 300, 500)),
    ("游戏点卡 / 点卡卡密", OfferKind.CARD, (), 95,
     ("完美一卡通", "盛趣一卡通", "网易一卡通", "骏网一卡通"), (10, 15, 30, 50, 100)),
    ("游戏点卡 / 游戏直充", OfferKind.TOP_UP, REALM, 93, ("剑网元宝直充",), (30, 50, 100)),
    ("游戏点卡 / Q币", OfferKind.TOP_UP, QQ, 99, ("Q币直充",), (5, 10, 50)),
    ("视频会员 / 会员直充", OfferKind.TOP_UP, PHONE, 82,
     ("优酷会员月卡", "腾讯视频会员月卡", "爱奇艺会员月卡"), (25,)),
    ("视频会员 / 会员激活码", OfferKind.CARD, (), 78,
     ("芒果会员激活码", "哔哩哔哩大会员激活码"), (15, 25, 148)),
    ("网课资料 / 考试网课", OfferKind.CARD, (), 40,
     ("考研英语网课兑换码", "软考网课兑换码"), (99, 299)),
    # What the demo's shop sells, under its invented names.
    ("话费充值 / 三网快充", OfferKind.TOP_UP, PHONE, 87, ("三网话费快充",), (30, 50, 100, 200)),
    ("视频会员 / 会员激活码", OfferKind.CARD, (), 78, ("极光视频会员激活码",), (25, 68, 238)),
    ("视频会员 / 会员直充", OfferKind.TOP_UP, PHONE, 76, ("极光视频会员直充",), (25,)),
    ("游戏点卡 / 点卡卡密", OfferKind.CARD, (), 86, ("星海点券",), (30, 100, 300, 648)),
)  # fmt: skip
FIRST_REF, CARDS_IN_STOCK, TOP_UPS_IN_STOCK = 680_001, 500, 9999


def goods() -> Iterator[Goods]:
    """Each face of each line, numbered through."""
    ref = FIRST_REF
    for category, kind, fields, discount, names, faces in LINES:
        for name in names:
            for face in faces:
                yield Goods(
                    ref=str(ref),
                    name=f"{name} {face} 元",
                    category=category,
                    cost=Money(face * discount * 100),
                    kind=kind,
                    stock=CARDS_IN_STOCK if kind is OfferKind.CARD else TOP_UPS_IN_STOCK,
                    fields=fields,
                )
                ref += 1


GOODS = tuple(goods())
GROUPS = tuple(dict.fromkeys(line[0] for line in LINES))
