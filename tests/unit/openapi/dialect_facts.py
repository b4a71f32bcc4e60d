"""Facts to be shown, made in one line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from kameng.openapi.domain.facts import CardFacts, FieldFacts, OrderFacts, ProductFacts
from kameng.orders.domain import STATES

ORDER_NO = "2608123456789012"
AT = datetime(2026, 8, 1, 4, 5, 6, tzinfo=UTC)


def sku(number: int = 11, product: int = 7, **changes: Any) -> ProductFacts:
    values: dict[str, Any] = {
        "sku": f"XH{number}", "sku_id": number, "product_id": product, "name": "星海点券",
        "sku_name": "100 元", "category_id": 3, "category": "游戏点卡", "kind": "card",
        "price": 95_5000, "face_value": 100_0000, "stock": 40, "on_sale": True, "minimum": 1,
        "maximum": 50,
    }  # fmt: skip
    return ProductFacts(**(values | changes))


def field(name: str, *choices: str, **changes: Any) -> FieldFacts:
    values: dict[str, Any] = {"label": name, "kind": "text", "required": True}
    return FieldFacts(name=name, choices=choices, **(values | changes))


def order(state: str = "delivered", *codes: str, **changes: Any) -> OrderFacts:
    values: dict[str, Any] = {
        "order_no": ORDER_NO, "merchant_order_no": "A-1", "state": state, "sku": "XH11",
        "sku_id": 11, "product_name": "星海点券", "sku_name": "100 元", "kind": "card",
        "quantity": len(codes) or 1, "unit_price": 95_5000, "total": 95_5000 * (len(codes) or 1),
        "delivered": len(codes), "refunded": 0, "created_at": AT, "paid_at": AT,
        "delivered_at": AT if codes else None,
        "cards": tuple(CardFacts(f"N{code}", code) for code in codes),
    }  # fmt: skip
    return OrderFacts(**(values | changes))


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
orders = st.builds(
    order,
    st.sampled_from(STATES),
    kind=st.sampled_from(("card", "top_up", "manual")),
    quantity=st.integers(1, 3),
    delivered=st.integers(0, 3),
    refunded=st.integers(0, 95_5000),
    cards=st.lists(st.builds(CardFacts, words, words), max_size=3).map(tuple),
    delivery_text=words,
)
