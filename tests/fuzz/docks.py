"""The same at the four docks, signed as each protocol signs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st
from tests.integration.openapi.docking import Key

from kameng_supplier_acg_shared.signing import sign as acg_sign
from kameng_supplier_kakayun.signing import sign as kakayun_sign

from . import hostile, signers
from .shop import Known
from .wire import Sent

Pair = tuple[Sent, Mapping[str, str]]
JSON = (("Content-Type", "application/json"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def requests(dialect: str, key: Key, known: Known) -> st.SearchStrategy[Pair]:
    """Requests of a dialect with their signatures."""
    return MAKERS[dialect](key, known)


def _goods(known: Known) -> st.SearchStrategy[int]:
    return st.sampled_from(list(known.skus.values()))


_number = st.from_regex(r"P[A-Za-z0-9]{10}", fullmatch=True)


def _addresses(root: bytes, calls: list[str]) -> st.SearchStrategy[bytes]:
    good = st.sampled_from(calls).map(lambda call: root + call.encode())
    return st.builds(bytes.__add__, good, st.sampled_from((b"",) * 300 + hostile.TAILS))


def _kasushou(key: Key, known: Known) -> st.SearchStrategy[Pair]:
    calls = [
        "order/buy", "order/buy", "order/info", "order/close", "order/complain", "user/info", "goods/cate",
        "goods/list", "goods/info", "goods/attach", "goods/pricelog", "nothing",
    ]  # fmt: skip
    fields = st.fixed_dictionaries(
        {"id": _goods(known), "quantity": st.integers(1, 2), "external_orderno": _number},
        optional={
            "attach": st.just({"phone": "13800136021"}), "safe_price": st.just("100"), "goods_id": _goods(known),
            "ordersn": st.sampled_from(known.orders), "url": st.just("https://shop.example/n"),
            "page": st.integers(0, 3), "limit": st.integers(0, 3), "keyword": st.just("P"), "content": st.just("x"),
        },
    )  # fmt: skip
    sent = st.builds(
        Sent, hostile.methods("POST"), _addresses(b"/dock/kasushou/api/v1/", calls),
        fields.flatmap(hostile.bodies), st.just(JSON) | hostile.headers.map(tuple), hostile.chunks.map(tuple), hostile.cuts,
    )  # fmt: skip
    return sent.map(lambda one: (one, signers.kasushou(key, one)))


def _dujiao(key: Key, known: Known) -> st.SearchStrategy[Pair]:
    read = ["categories", "products", "products?page=2&page_size=3", "products/1", "orders/1", "products/x",
            "orders/%00", "", *(f"orders/{one}" for one in known.orders)]  # fmt: skip
    write = ["ping", "orders/1/cancel", *(f"orders/{one}/cancel" for one in known.orders)]
    write += ["orders"] * len(write) * 2
    fields = st.fixed_dictionaries(
        {"sku_id": _goods(known), "quantity": st.integers(1, 2), "downstream_order_no": _number},
        optional={"manual_form_data": st.just({"phone": "13800136021"}), "trace_id": st.just("t"),
                  "callback_url": st.just("https://shop.example/n")},
    )  # fmt: skip
    kinds = [
        st.builds(
            Sent, hostile.methods(method), _addresses(b"/dock/dujiao-next/api/v1/upstream/", calls),
            fields.flatmap(hostile.bodies), st.just(JSON) | hostile.headers.map(tuple),
            hostile.chunks.map(tuple), hostile.cuts,
        )
        for method, calls in (("GET", read), ("POST", write))
    ]  # fmt: skip
    return st.one_of(kinds).map(lambda one: (one, signers.dujiao(key, one)))


def _kakayun(key: Key, known: Known) -> st.SearchStrategy[Pair]:
    calls = [
        "order/create", "order/create", "order/get", "order/cancelOrder", "user/info", "user/seturl", "user/geturl",
        "goods/group", "goods/details", "goods/detailslite", "goods/tpl", "goods/all", "goods/alllite", "goods/subscribe",
    ]  # fmt: skip
    fields = st.fixed_dictionaries(
        {"goodsid": _goods(known), "buynum": st.integers(1, 2), "usorderno": _number},
        optional={
            "attach": st.sampled_from(["13800136021", [{"attachtype": "1", "value": "13800136021"}], "[1]"]),
            "maxmoney": st.sampled_from(["100", 98.61, "1e3"]), "callbackurl": st.just("https://shop.example/n"),
            "orderno": st.sampled_from(known.orders), "page": st.integers(0, 3), "limit": st.integers(0, 3),
            "goodsname": st.just("P"), "goodstype": st.sampled_from(["0", "1", 1]), "receiveurl": st.just(""),
        },
    )  # fmt: skip
    bodies = st.one_of(
        st.builds(lambda *given: _kakayun_body(key, *given), fields, st.dictionaries(
            st.sampled_from(["goodsid", "buynum", "attach", "maxmoney", "page", "limit", "usorderno", "groupid", "goodsname",
                             "receiveurl", "orderno", "timestamp", "userid", "x"]), hostile.odd_values, max_size=2)),
        st.builds(lambda raw: _kakayun_nested(key, raw), st.sampled_from(hostile.RAW)),
        fields.map(lambda given: json.loads(_kakayun_body(key, given, {}))).flatmap(hostile.bodies),
    )  # fmt: skip
    return st.builds(
        Sent, hostile.methods("POST"), _addresses(b"/dock/kakayun/dockapiv3/", calls), bodies,
        st.just(JSON) | hostile.headers.map(tuple), hostile.chunks.map(tuple), hostile.cuts,
    ).map(lambda one: (one, {}))  # fmt: skip


def _kakayun_body(key: Key, fields: Mapping[str, Any], odd: Mapping[str, Any]) -> bytes:
    given = {"userid": key.key_id, "timestamp": int(time.time()), **fields, **odd}
    return json.dumps({**given, "sign": _or_none(kakayun_sign, given, key.secret)}).encode()


def _kakayun_nested(key: Key, raw: bytes) -> bytes:
    """A value that no library writes, and the signature over what is read of it."""
    given: dict[str, Any] = {"userid": key.key_id, "timestamp": int(time.time())}
    try:
        given["attach"] = json.loads(raw)
    except (ValueError, RecursionError):
        given["attach"] = None
    signed = {**given, "sign": _or_none(kakayun_sign, given, key.secret)}
    return hostile.written(signed, "attach", raw)


def _acg(key: Key, known: Known) -> st.SearchStrategy[Pair]:
    calls = [
        "commodity/trade", "commodity/trade", "commodity/query", "authentication/connect", "commodity/items",
        "commodity/item", "commodity/inventoryState", "commodity/inventory", "commodity/stock", "commodity/valuation",
        "commodity/draftCard", "commodity/draft", "nothing",
    ]  # fmt: skip
    fields = st.fixed_dictionaries(
        {"shared_code": _goods(known).map(str), "num": st.sampled_from(["1", "2"]), "request_no": _number},
        optional={
            "code": _goods(known).map(str), "sharedCode": _goods(known).map(str), "contact": st.just("x"),
            "tradeNo": st.sampled_from(known.orders), "phone": st.just("13800136021"), "race": st.just(""),
            "card_id": st.just("0"), "password": st.just(""), "device": st.just("0"),
        },
    )  # fmt: skip
    odd = st.dictionaries(
        st.sampled_from(["shared_code", "num", "request_no", "code", "tradeNo", "race", "contact", "sku", "phone"])
        | st.text(min_size=1, max_size=6), hostile.odd_texts | st.integers().map(str), max_size=3,
    )  # fmt: skip
    bodies = st.builds(
        lambda *given: _acg_body(key, *given), fields, odd,
        st.sampled_from([*[b""] * 15, b"&num=2", b"&a[b][c]=1", b"&" * 5000, b"&a=%ff", b"&=1", b"&%00=1"]),
    )  # fmt: skip
    return st.builds(
        Sent, hostile.methods("POST"), _addresses(b"/dock/acg-shared/shared/", calls),
        st.one_of(*[bodies] * 8, st.binary(max_size=60), st.sampled_from(hostile.RAW)),
        st.just(FORM) | hostile.headers.map(tuple), hostile.chunks.map(tuple), hostile.cuts,
    ).map(lambda one: (one, {}))  # fmt: skip


def _acg_body(key: Key, fields: Mapping[str, str], odd: Mapping[str, str], end: bytes) -> bytes:
    form = {**fields, "app_id": key.key_id, "app_key": key.secret, **odd}
    form["sign"] = _or_none(acg_sign, form, key.secret)
    return b"&".join(_quoted(name) + b"=" + _quoted(value) for name, value in form.items()) + end


def _quoted(text: str) -> bytes:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass")).encode()


def _or_none(sign: Any, fields: Mapping[str, Any], secret: str) -> str:
    """The client's own signature; "x" for what the client cannot sign."""
    try:
        return str(sign(fields, secret))
    except (UnicodeError, ValueError, RecursionError):
        return "x"


MAKERS = {"acg-shared": _acg, "dujiao-next": _dujiao, "kasushou": _kasushou, "kakayun": _kakayun}
