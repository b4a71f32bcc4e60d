"""SHA-1 signatures: of our requests over the sent bytes, of notices over a text made from them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

UNSIGNED = frozenset({"sign", "card_list", "express_list"})


class Literal(str):
    """A number with a fraction as it stood in the notice, so that it is signed as it was sent."""


def request_body(fields: Mapping[str, object]) -> str:
    """Keys sorted at the top level only, nothing escaped, no spaces; nothing at all is `{}`."""
    ordered = {name: fields[name] for name in sorted(fields)}
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))


def request_sign(timestamp: str, body: str, key: str) -> str:
    """Lower-case SHA-1 of the time in milliseconds, the body and the key."""
    return _sha1(timestamp + body + key)


def order_notice_sign(fields: Mapping[str, object], key: str) -> str:
    """Of an order notice: all fields but the signature, the cards and the parcels."""
    signed = {name: fields[name] for name in sorted(fields) if name not in UNSIGNED}
    return _sha1(f"{fields.get('time', '')}{php_json(signed)}{key}")


def goods_notice_sign(fields: Mapping[str, object], key: str) -> str:
    """Of a goods notice: the number of the goods and the time alone."""
    signed = {"id": fields.get("id", ""), "time": fields.get("time", "")}
    return _sha1(f"{signed['time']}{php_json(signed)}{key}")


def same(ours: str, theirs: str) -> bool:
    """Compare in constant time. Bytes, because text with non-ASCII letters cannot be compared."""
    return hmac.compare_digest(ours.encode(), theirs.lower().encode("utf-8", "replace"))


def php_json(value: object) -> str:
    """JSON as PHP writes it with readable letters: slashes stay escaped, and two separators too."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{php_json(k)}:{php_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(php_json(piece) for piece in value) + "]"
    text = json.dumps(value, ensure_ascii=False).replace("/", "\\/")
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
