"""Small words and signs of goods and orders, the same in every theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from kameng.catalog.api import SkuView
from kameng.web.formats import MINUS, plain_money
from kameng.web.texts import gettext as _
from kameng_tenants.themes.ways import method_word, pay_app

PLENTY = 1000  # stock is capped here before it reaches a page
FEW = 20


@dataclass(frozen=True, slots=True)
class Chip:
    """A small label: tone, icon and word together, so that none of the three is needed alone."""

    tone: str
    icon: str
    word: Any


@dataclass(frozen=True, slots=True)
class Face:
    """How a state of an order looks to the shopper."""

    tone: str
    icon: str
    word: Any
    title: Any
    text: Any


# Tags that only repeat how goods arrive: the chip of the kind says it already.
KIND_TAGS = frozenset({"自动发卡", "直充", "人工开通", "套餐"})

KINDS: Mapping[str, Chip] = {
    "card": Chip("accent", "bolt", _l("自动发卡")),
    "top_up": Chip("accent", "bolt", _l("直充")),
    "manual": Chip("accent", "user-check", _l("人工开通")),
    "bundle": Chip("accent", "package", _l("套餐")),
}

FACES: Mapping[str, Face] = {
    "pending_payment": Face("warn", "clock", _l("待付款"), _l("等待付款"), ""),
    "paid": Face("info", "refresh", _l("已付款"), _l("已收到付款"), _l("正在安排发货。")),
    "fulfilling": Face(
        "info", "refresh", _l("发货中"), _l("正在处理"), _l("完成后这里会自己更新，不用守着页面。")
    ),
    "delivered": Face("ok", "check", _l("已发货"), _l("已发货"), ""),
    "completed": Face("ok", "check", _l("已完成"), _l("已完成"), ""),
    "held": Face(
        "warn", "shield-check", _l("核对中"), _l("这笔订单需要核对"),
        _l("钱已收到，工作人员正在核对，通常 60 分钟内有结果。不通过会原路退款。"),
    ),
    "partially_delivered": Face(
        "warn", "hourglass", _l("部分发货"), _l("先发出了一部分"),
        _l("其余的正在补发，到了会显示在这里。补不上的部分会退款。"),
    ),
    "failed": Face(
        "bad", "circle-x", _l("未成功"), _l("没有办成"), _l("这笔钱会原路退回，请留意退款进度。")
    ),
    "cancelled": Face(
        "idle", "ban", _l("已取消"), _l("订单已取消"),
        _l("没有扣款。如果刚刚付了款，钱会自动退回。"),
    ),
    "expired": Face(
        "idle", "clock", _l("已过期"), _l("订单已过期"),
        _l("超过时间没有付款，已自动取消。如果刚刚付了款，会自动补发或退款。"),
    ),
    "refunding": Face(
        "warn", "receipt-refund", _l("退款中"), _l("正在退款"),
        _l("钱正在原路退回，到账时间由付款渠道决定，通常当天。"),
    ),
    "refunded": Face(
        "idle", "receipt-refund", _l("已退款"), _l("已退款"), _l("钱已原路退回。")
    ),
}  # fmt: skip

FULFILLING_WORDS: Mapping[str, Any] = {"top_up": _l("充值中"), "manual": _l("等人工")}
FULFILLING_CARDS = Face(
    "info", "refresh", _l("发货中"), _l("正在取卡密"),
    _l("取到后直接显示在这里，不用守着页面。取不到会全额退款。"),
)  # fmt: skip


def kind_chip(kind: str) -> Chip:
    """How goods of a kind arrive."""
    return KINDS.get(kind, KINDS["manual"])


def stock_chip(stock: int | None) -> Chip | None:
    """What is left, where it matters to the shopper; None means it is made to order."""
    if stock is None:
        return None
    if stock <= 0:
        return Chip("idle", "hourglass", _("补货中"))
    if stock <= FEW:
        return Chip("warn", "flame", _("仅剩 %(n)s", n=stock))
    if stock >= PLENTY:
        return Chip("ok", "circle-check", _("库存充足"))
    return Chip("idle", "", _("余 %(n)s", n=f"{stock:,}"))


def counted_stock(kind: str, sku: SkuView) -> int | None:
    """The number a shopper needs: of cards what is left, of the rest only what is too little."""
    if sku.stock is None or kind == "card" or sku.stock < sku.max_quantity:
        return sku.stock
    return None


def stock_text(stock: int | None) -> str:
    """What is left, beside the quantity; that nothing is stands on the tile already."""
    if not stock:
        return ""
    return str(_("库存充足") if stock >= PLENTY else _("余 %(n)s", n=stock))


def in_stock_chip(skus: Sequence[SkuView]) -> Chip | None:
    """Whether there is any of a product, over all its SKUs; how many stands beside the quantity."""
    levels = [0 if sku.sold_out else sku.stock for sku in skus]
    counted = [level for level in levels if level is not None]
    if not counted or len(counted) < len(levels):
        return None
    total = sum(counted)
    if total > FEW:
        return Chip("ok", "circle-check", _("现货"))
    return stock_chip(total)


def order_face(state: str, kind: str = "") -> Face:
    """Face of an order's state; a top-up that runs reads otherwise than goods on their way."""
    face = FACES[state]
    if state == "fulfilling" and kind == "card":
        return FULFILLING_CARDS
    if state == "fulfilling" and kind in FULFILLING_WORDS:
        word = FULFILLING_WORDS[kind]
        return Face(face.tone, face.icon, word, word, face.text)
    return face


def sold_text(count: int) -> str:
    """`已售 8,431`, from ten thousand on `已售 1.2万`."""
    if count <= 0:
        return str(_("刚上架"))
    if count >= 10_000:
        tenths = count // 1000
        # English counts in thousands: its text takes `k` instead of `n`.
        return str(_("已售 %(n)s万", n=f"{tenths // 10}.{tenths % 10}", k=f"{tenths:,}"))
    return str(_("已售 %(n)s", n=f"{count:,}"))


def discount(price: int, face_value: int) -> str:
    """`9.4 折` when it is at least a little cheaper than the face value, else nothing."""
    if not 0 < price < face_value:
        return ""
    tenths = price * 100 // face_value
    if tenths >= 99:
        return ""
    # English names what is taken off: its text takes `off` instead of `n`.
    return str(_("%(n)s 折", n=f"{tenths // 10}.{tenths % 10}", off=100 - tenths))


def goods_name(product: str, sku: str) -> str:
    """Product and SKU in one line, without saying `月卡 月卡`."""
    return product if not sku or product.endswith(sku) else f"{product} {sku}"


def signed_yuan(amount: int) -> str:
    """`+¥500.00`, `−¥92.00`: a movement of the wallet."""
    sign = "+" if amount > 0 else MINUS
    return f"{sign}¥{plain_money(abs(amount), 2)}"


def group_account(value: str) -> str:
    """`138 0013 6021`: long digits in groups, other text as it is."""
    if value.isdigit() and len(value) == 11:
        return f"{value[:3]} {value[3:7]} {value[7:]}"
    return value


def group_secret(value: str) -> str:
    """`KDE7D-SBSQD-…`: easier to copy from paper; the dashes do not count."""
    return "-".join(value[start : start + 5] for start in range(0, len(value), 5))


def paragraphs(text: str) -> list[str]:
    """Blank lines part paragraphs."""
    return [part.strip() for part in text.replace("\r", "").split("\n\n") if part.strip()]


def lines(text: str) -> list[str]:
    """One step a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


# Texts of the manifests (theme.toml), named here so that they are found for translation.
MANIFEST_TEXTS = (
    _l("明亮清爽，适合综合店"),
    _l("深色大图，适合游戏店"),
    _l("价目表，适合批量采购"),
    _l("强调色"),
    _l("首页标语"),
)


def flash_left(band: str) -> str:
    """How much of a flash sale is left, in a word."""
    words = {
        "none": _("已抢完"),
        "few": _("即将抢完"),
        "some": _("已抢过半"),
        "plenty": _("正在热抢"),
    }
    return str(words[band])


GLOBALS: dict[str, Any] = {
    "flash_left": flash_left,
    "kind_chip": kind_chip,
    "stock_chip": stock_chip,
    "counted_stock": counted_stock,
    "stock_text": stock_text,
    "order_face": order_face,
    "sold_text": sold_text,
    "discount": discount,
    "method_word": method_word,
    "goods_name": goods_name,
    "pay_app": pay_app,
    "group_account": group_account,
    "signed_yuan": signed_yuan,
    "group_secret": group_secret,
    "paragraphs": paragraphs,
    "lines": lines,
}
