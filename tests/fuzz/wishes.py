"""Requests of the native interface that begin well and are then bent in several places at once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from tests.integration.openapi.docking import new_number

from . import hostile
from .shop import Known
from .wire import Sent

JSON = (("Content-Type", "application/json"),)


def native(known: Known) -> st.SearchStrategy[Sent]:
    """Any address with any body, each bent or not."""
    order = st.sampled_from(known.orders)
    paths = st.one_of(
        st.sampled_from([
            "account", "products", "orders", "openapi.json", "docs", "statements/2026-11-11", "",
            "orders?limit=2", "products?limit=1",
        ]),
        st.sampled_from(list(known.skus)).map("products/{}".format), order.map("orders/{}".format),
        order.map("orders/{}/refund-requests".format),
    ).map(lambda path: b"/api/v1/" + path.encode())  # fmt: skip
    return st.one_of(_bent_bodies(known), _bent_addresses(paths), _bent_heads(known, paths))


def _bent_bodies(known: Known) -> st.SearchStrategy[Sent]:
    buy = st.builds(
        Sent, st.just("POST"), st.just(b"/api/v1/orders"), _wish(known).flatmap(hostile.bodies),
        st.just(JSON), hostile.chunks.map(tuple), hostile.cuts,
    )  # fmt: skip
    ask = st.builds(
        lambda order, body: Sent(
            "POST", b"/api/v1/orders/%s/refund-requests" % order.encode(), body,
            JSON,
        ),
        st.sampled_from(known.orders),
        _request().flatmap(hostile.bodies),
    )  # fmt: skip
    return buy | buy | ask


def sweep(known: Known) -> Iterator[Sent]:
    """Every odd value in every field of an order and of a request for money back."""
    buy = {"sku": next(iter(known.skus)), "quantity": 1, "merchant_order_no": "", "inputs": {},
           "max_total": "9999", "notify_url": "https://shop.example/n"}  # fmt: skip
    ask = {"reason": "used", "request_no": "", "amount": "1.00"}
    path = f"/api/v1/orders/{known.orders[0]}/refund-requests".encode()
    for fields, own, target in (
        (buy, "merchant_order_no", b"/api/v1/orders"),
        (ask, "request_no", path),
    ):
        odd = [*hostile.RAW, *(json.dumps(one).encode() for one in hostile.ODD)]
        for name, raw in itertools.product(fields, odd):
            given = {**fields, own: new_number()}
            yield Sent("POST", target, hostile.written(given, name, raw), JSON)


def _wish(known: Known) -> st.SearchStrategy[Mapping[str, Any]]:
    return st.fixed_dictionaries(
        {
            "sku": st.sampled_from(list(known.skus)), "quantity": st.integers(1, 3),
            "merchant_order_no": st.sampled_from(known.numbers)
            | st.from_regex(r"[A-Za-z0-9]{12}", fullmatch=True),
        },
        optional={
            "inputs": st.just({"phone": "13800136021"}), "max_total": st.sampled_from(["1", "9999.99"]),
            "notify_url": st.sampled_from(["https://shop.example/n", "http://127.0.0.1/"]),
        },
    )  # fmt: skip


def _request() -> st.SearchStrategy[Mapping[str, Any]]:
    return st.fixed_dictionaries(
        {
            "reason": st.just("used already"),
            "request_no": st.from_regex(r"[A-Z]{6}", fullmatch=True),
        },
        optional={"amount": st.sampled_from(["1.00", "98.61", "0.001"])},
    )


def _bent_addresses(paths: st.SearchStrategy[bytes]) -> st.SearchStrategy[Sent]:
    odd = st.one_of(
        st.builds(bytes.__add__, paths, st.sampled_from(hostile.TAILS)),
        st.builds(lambda path, text: path + b"/" + quoted(text), paths, hostile.odd_texts),
        st.builds(lambda path, text: path + b"?keyword=" + quoted(text), paths, hostile.odd_texts),
        paths.map(lambda path: path.replace(b"/", b"//")),
        paths.map(lambda path: b"http://deer.localhost:8000" + path),
        paths.map(lambda path: path.replace(b"o", b"%6f")),
        st.sampled_from([b"/api/v1", b"/api/", b"/api/v2/orders", b"/api/v1/../v1/orders", b"*"]),
    )
    return st.builds(Sent, hostile.methods("GET"), odd)


def _bent_heads(known: Known, paths: st.SearchStrategy[bytes]) -> st.SearchStrategy[Sent]:
    kinds = st.sampled_from(hostile.KINDS).map(lambda kind: ("Content-Type", kind))
    heads = st.builds(lambda kind, more: (kind, *more), kinds, hostile.headers)
    body = _wish(known).map(lambda wish: hostile.written(wish, "", b""))
    buy = st.builds(Sent, st.just("POST"), st.just(b"/api/v1/orders"), body, heads)
    return buy | st.builds(Sent, hostile.methods("GET"), paths,
                           st.just(b"") | body, heads, hostile.chunks.map(tuple), hostile.cuts)  # fmt: skip


def quoted(text: str) -> bytes:
    """Percent-encoded bytes, halves of surrogates included."""
    return b"".join(b"%%%02X" % byte for byte in text.encode("utf-8", "surrogatepass")[:900])
