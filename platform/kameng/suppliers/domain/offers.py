"""What a supplier says about one of its goods: read strictly, refused line by line. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

KINDS = ("card", "top_up", "manual")
COLUMNS = ("sku_ref", "name", "category", "kind", "cost", "stock", "on_sale")
MOST_STOCK, MOST_COST = 10_000_000, 10**12  # 100 million yuan: beyond it is a typing error
_COST = re.compile(r"\d{1,9}(\.\d{1,4})?")
_YES, _NO = ("1", "true", "yes", "是", "上架"), ("0", "false", "no", "否", "下架")


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One offer as its supplier wants it; `cost` at scale 4, `stock` None: it does not say."""

    sku_ref: str
    name: str
    category: str
    kind: str
    cost: int
    stock: int | None
    on_sale: bool


def read_offer(given: Mapping[str, object]) -> tuple[OfferLine | None, dict[str, str]]:
    """The offer, or field → code of what is wrong (missing, too_long, not_a_cost …)."""
    text = {name: _text(given.get(name)) for name in COLUMNS}
    wrong = {}
    for name, most in (("sku_ref", 80), ("name", 120)):
        if not text[name]:
            wrong[name] = "missing"
        elif len(text[name]) > most:
            wrong[name] = "too_long"
    if len(text["category"]) > 60:
        wrong["category"] = "too_long"
    if text["kind"] not in KINDS:
        wrong["kind"] = "unknown_kind"
    cost, stock, on_sale = cost_of(text["cost"]), _stock(text["stock"]), _flag(text["on_sale"])
    if cost is None:
        wrong["cost"] = "not_a_cost"
    if stock == -1:
        wrong["stock"] = "not_a_number"
    if on_sale is None:
        wrong["on_sale"] = "not_yes_or_no"
    if wrong or cost is None or on_sale is None:
        return None, wrong
    line = OfferLine(
        text["sku_ref"], text["name"], text["category"], text["kind"], cost, stock, on_sale
    )
    return line, {}


def cost_of(text: str) -> int | None:
    """`12.3400` → 123400; None for anything that is no amount with up to four decimals."""
    if not _COST.fullmatch(text) or not text.isascii():
        return None
    amount = int(Decimal(text) * 10_000)
    return amount if amount <= MOST_COST else None


def cost_text(amount: int) -> str:
    """123400 → `12.3400`."""
    return f"{Decimal(amount) / 10_000:.4f}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return " ".join(str(value).split())


def _stock(text: str) -> int | None:
    if text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        return -1
    return int(text) if int(text) <= MOST_STOCK else -1


def _flag(text: str) -> bool | None:
    if text == "" or text.lower() in _YES:
        return True
    return False if text.lower() in _NO else None
