"""Forms as PHP writes and signs them."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_plus, unquote_to_bytes

from kameng.openapi.domain.buying import keepable
from kameng.openapi.domain.dialects.acg_shared.refusals import No

Form = Mapping[str, str | Mapping[str, str]]

MOST_PAIRS = 100
NAME = re.compile(r"(?P<name>[^\[\]]{1,100})(?:\[(?P<inner>[^\[\]]{1,100})\])?")
BROKEN = "请求参数格式错误"


def read_form(body: bytes) -> Form:
    """`a=b&c[d]=e` as `{a: b, c: {d: e}}`. Raises `No`.

    PHP takes the last of two equal names. Here they are refused: whoever signs does not send two.
    """
    pairs = [pair for pair in body.split(b"&") if pair]
    if len(pairs) > MOST_PAIRS:
        raise No(BROKEN)
    form: dict[str, str | dict[str, str]] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        _put(form, _decoded(name), _decoded(value))
    return form


def sign(form: Form, key: str) -> str:
    """Lower-case MD5 over the sorted fields as raw text, then `&key=` and the key.

    ``sign`` and what is exactly "" stay out, at the top only. The reference decodes all of it at
    last: in what it had encoded itself that changes nothing, a `+` or `%` in the key it mangles.
    """
    kept = {name: form[name] for name in sorted(form) if name != "sign" and form[name] != ""}
    lines = [line for name, value in kept.items() for line in _lines(name, value)]
    text = "&".join(lines) + "&key=" + unquote_plus(key)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def check_signature(form: Form, secrets: Iterable[str]) -> str:
    """The one of the key's live secrets that has signed the form; raises `No` for none."""
    given = text_of(form, "sign").encode()
    genuine = [one for one in secrets if hmac.compare_digest(sign(form, one).encode(), given)]
    if not genuine:
        raise No("密钥错误")
    return genuine[0]


def text_of(form: Form, name: str) -> str:
    """A plain field without spaces around it; "" when it is missing or has parts."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def whole_of(form: Form, name: str) -> int:
    """A whole number in digits; 0 for everything else, as the reference reads it."""
    text = text_of(form, name)
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _put(form: dict[str, str | dict[str, str]], name: str, value: str) -> None:
    parts = NAME.fullmatch(name)
    if parts is None:
        raise No(BROKEN)
    outer, inner = parts["name"], parts["inner"]
    if inner is None:
        if outer in form:
            raise No(BROKEN)
        form[outer] = value
        return
    group = form.setdefault(outer, {})
    if isinstance(group, str) or inner in group:
        raise No(BROKEN)
    group[inner] = value


def _decoded(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except ValueError:
        raise No(BROKEN) from None
    if not keepable(text):
        raise No(BROKEN)
    return text


def _lines(name: str, value: str | Mapping[str, str]) -> list[str]:
    if isinstance(value, str):
        return [f"{name}={value}"]
    return [f"{name}[{inner}]={text}" for inner, text in value.items()]
