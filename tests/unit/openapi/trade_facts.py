"""Goods and orders for tests of dialects, and odd requests that no parser may break on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from kameng.openapi.domain.facts import (
    CardFacts,
    CategoryFacts,
    FieldFacts,
    OrderFacts,
    ProductFacts,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ACCOUNT = FieldFacts(name="account", label="充值账号", kind="account", required=True)
REALM = FieldFacts(
    name="realm", label="游戏大区", kind="choice", required=False, choices=("青龙", "白虎")
)
CATEGORIES = [
    CategoryFacts(id=1, name="游戏", parent_id=None),
    CategoryFacts(id=2, name="点卡", parent_id=1),
    CategoryFacts(id=3, name="话费", parent_id=None),
]
CARD = ProductFacts(
    sku="STEAM-100", sku_id=71, product_id=7, name="Steam 充值卡", sku_name="100 元", category_id=2,
    category="点卡", kind="card", price=95_1250, face_value=100_0000, stock=1000, on_sale=True,
    minimum=1, maximum=20,
)  # fmt: skip
TOP_UP = replace(CARD, sku="TOP", sku_id=72, kind="top_up", fields=(ACCOUNT, REALM))
ORDER = OrderFacts(
    order_no="2611123456789012", merchant_order_no="A/1", state="delivered", sku="STEAM-100",
    sku_id=71, product_name="Steam 充值卡", sku_name="100 元", kind="card", quantity=2,
    unit_price=95_1250, total=190_2500, delivered=2, refunded=0, created_at=NOW, paid_at=NOW,
    delivered_at=NOW, cards=(CardFacts("9001", "AAAA/BBBB"), CardFacts("", "CCCC-中文")),
)  # fmt: skip
FILLED_UP = replace(
    ORDER, sku="TOP", kind="top_up", cards=(), delivery_text="已到账", quantity=1, delivered=1,
    inputs={"account": "13800138000"},
)  # fmt: skip

LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(10**17, 10**30), st.text(max_size=12),
    st.floats(), st.sampled_from(["\ud800", "\0", "1e3", "０１", "-1", "1.23456", "[{}]", "["]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def requests(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Requests with these parameters, or some of them, and whatever values."""
    known = {name: VALUES for name in names}
    return st.fixed_dictionaries({}, optional=known)
