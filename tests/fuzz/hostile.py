"""What nobody sends who means well: strategies for bodies, addresses, headers and methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

NESTED = 3_000
MOST_BODY = 64 * 1024

TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "x\udfff", "\ufeff", "\u2028", "\r\nX: 1", "%00", "%s%n",
    "' OR 1=1 --", "${jndi:ldap://x}", "../../etc/passwd", "{{7*7}}", "=1+1", "٣", "１", "\u202e",
    "null", "NaN", "-1", "0", "1e9", "0x10", "𝟙", "true", "[]", "[" * 900, '[{"value":1}]',
    "https://[", "http://[::1", "https://a:99999/", "https://\u3002/", "http://xn--/", "//", "javascript:x",
    "https://shop.example/\ud800", "A" * 70, "字" * 600, "x" * 20_000,
)  # fmt: skip
odd_texts = st.sampled_from(TEXTS) | st.text(max_size=80)
NUMBERS = (0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**18, 10**19, 10**400, 1.0, -0.0, 1e308)
odd_numbers = st.integers() | st.floats() | st.booleans() | st.sampled_from(NUMBERS)
odd_values = st.recursive(
    odd_texts | odd_numbers | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
ODD = (*TEXTS, *NUMBERS, True, False, None, [], {}, [None], {"": ""}, {"a": {"b": []}})
# Values that no writer of JSON writes.
RAW = (
    b"NaN", b"-Infinity", b"1e400", b"-1e-400", b"9" * 5000, b"1" + b"0" * 4000, b"0.1" * 2, b"01", b"+1",
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b'"\n"', b"'x'", b"tru", b"",
    b"[" * NESTED + b"]" * NESTED, b'{"a":' * NESTED + b"1" + b"}" * NESTED, b"[" * 990 + b"]" * 990,
    b'{"a":' * 900 + b"1" + b"}" * 900, b"[" * 60_000, b'"' + b"x" * 60_000 + b'"', b'"' + b"x" * 70_000 + b'"',
)  # fmt: skip
KINDS = (
    "application/json", "text/plain", "application/xml", "multipart/form-data", "application/json; charset=utf-7",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "a/b; c=\"", "application/json, text/html",
    "application/json;charset=\xff", "\xe9", "text/html; charset=undefined",
)  # fmt: skip
ODD_HEADERS = (
    ("Accept", "*/*;q=x"), ("Accept", "text/csv;q=0, \xff"), ("Accept", "text/html"), ("Accept-Language", "en;q=\xe9,,;"),
    ("Accept-Language", "x" * 4000), ("Cookie", "km_lang=\xff; km_lang=\"; =;;"), ("Cookie", "km_lang=%00"),
    ("Cookie", "session=\xe4\xb8\xad"), ("X-Request-Id", "\xe9" * 200), ("X-Request-Id", "a b<c>"),
    ("X-Forwarded-For", "1.2.3.4, \xff"), ("X-Forwarded-For", "not-an-address"), ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "gopher"), ("Forwarded", "for=\"[::1"), ("Content-Encoding", "gzip"), ("Range", "bytes=0-0,-1"),
    ("If-None-Match", "*"), ("If-Modified-Since", "x"), ("Origin", "null"), ("Origin", "https://evil.example"),
    ("Authorization", "Basic \xff"), ("Authorization", "Bearer x"), ("X-HTTP-Method-Override", "DELETE"),
    ("Kameng-Nonce", "x"), ("Kameng-Key", "KM\xe9"), ("Sec-Fetch-Site", "cross-site"), ("Upgrade", "websocket"),
    ("Connection", "close, upgrade"), ("User-Agent", "\x7f" * 9), ("User-Agent", "x" * 8000), ("Content-Type", "text/plain"),
    ("Referer", "\xff\xfe"), ("HX-Request", "true"), ("Host", "evil.example"),
)  # fmt: skip
METHODS = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW", "QUERY",
    "get", "Post", "A" * 20,
)  # fmt: skip
OFTEN = 60  # of 75 requests so many keep the right method
TAILS = (
    b"/", b"//", b"/%00", b"/..", b"/%2e%2e/%2e%2e", b"%2f", b"/%2f%2f", b";x=1", b"/%ff", b"/%ed%a0%80", b"/\xe4\xb8\xad",
    b"%0a", b"%0d%0aX:1", b"/%F0%9F%92%A9", b"%", b"%zz", b"/" + b"a" * 3000, b"/" + b"%41" * 1000, b"/refund-requests",
    b"/refund-requests/", b"%20", b"+", b"\\", b"/'", b"?", b"??", b"?&&=&", b"?%00=%00", b"?a=1&a=2", b"?limit=1&limit=1",
    b"?limit=%D9%A3", b"?limit=1e1", b"?limit=-0", b"?limit=100000000000000000000", b"?limit=", b"?cursor=%ff",
    b"?cursor=%00", b"?cursor=9223372036854775808", b"?cursor=" + b"9" * 5000, b"?cursor=-1", b"?category=9223372036854775808",
    b"?category=999999999999999999", b"?category=\xd9\xa3", b"?keyword=%00", b"?keyword=%ed%a0%80", b"?keyword=%25_%5C",
    b"?keyword=" + b"%E5%AD%97" * 600, b"?keyword=\xff", b"?merchant_order_no=%00", b"?merchant_order_no=", b"?lang=en",
    b"?merchant_order_no=" + b"x" * 4000, b"?lang=%00", b"?lang=zh&lang=en", b"?lang=../../etc", b"?page=0&page_size=-1",
    b"?merchant_order_no=%ed%a0%80", b"?page=99999999999999999999", b"?page=%D9%A3&page_size=1e9", b"?_method=DELETE",
)  # fmt: skip


def methods(right: str) -> st.SearchStrategy[str]:
    """Mostly the right one, else any."""
    return st.sampled_from((right,) * OFTEN + METHODS)


def bodies(fields: Mapping[str, Any]) -> st.SearchStrategy[bytes]:
    """JSON that begins with a good object and ends anywhere."""
    names = st.sampled_from(sorted(fields)) if fields else st.just("x")
    good = json.dumps(fields).encode()
    return st.one_of(
        st.builds(lambda name, value: written(fields, name, json.dumps(value).encode()), names, odd_values),
        *[st.builds(lambda name, raw: written(fields, name, raw), names, st.sampled_from(RAW))] * 3,
        st.builds(lambda name, value: good[:-1] + b', "%s": %s}' % (name.encode(), json.dumps(value).encode()),
                  names | st.just("more"), odd_values),
        st.builds(lambda name: json.dumps({k: v for k, v in fields.items() if k != name}).encode(), names),
        st.builds(lambda cut: good[:cut], st.integers(0, len(good))),
        st.builds(lambda end: good + end, st.sampled_from([b"\0", b"{}", b" " * MOST_BODY, b"\n", b",", b"\xff", good])),
        st.sampled_from([
            b"", b"null", b"[]", b'"x"', b"1", b"\xef\xbb\xbf" + good, good.decode().encode("utf-16"), b"\x1f\x8b\x08\0",
            good.decode().encode("utf-32"), b"a=1&b=2", b"--x\r\n\r\n", b"<x/>", b"[" + good + b"]", b"{" * 60_000, *RAW,
        ]),
        st.just(good), st.binary(max_size=60),
    )  # fmt: skip


def written(fields: Mapping[str, Any], name: str, raw: bytes) -> bytes:
    """The object with one value as raw bytes."""
    pairs = [
        json.dumps(each).encode() + b": " + (raw if each == name else json.dumps(value).encode())
        for each, value in fields.items()
    ]
    return b"{" + b", ".join(pairs) + b"}"


headers = st.lists(st.sampled_from(ODD_HEADERS), max_size=2)
chunks = st.one_of(
    st.just(()), st.just(()), st.lists(st.integers(16, 4000), min_size=1, max_size=3)
)
cuts = st.sampled_from((0,) * 30 + (1, 7, 60))
