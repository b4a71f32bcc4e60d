"""The signature of requests and notices: sorted `k=v`, the key behind it, lower-case MD5."""

import hashlib
import hmac
import json
from collections.abc import Mapping


def sign(params: Mapping[str, object], key: str) -> str:
    """Lower-case MD5 of the canonical text followed by the merchant's key."""
    text = canonical_text(params) + key
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def verify(params: Mapping[str, object], key: str, given: str) -> bool:
    """Compare in constant time. Bytes, because text with non-ASCII letters cannot be compared."""
    return hmac.compare_digest(sign(params, key).encode(), given.encode())


def canonical_text(params: Mapping[str, object]) -> str:
    """Without `sign`, null and empty text; an empty list is a value and stays in."""
    kept = {
        name: _text(value)
        for name, value in params.items()
        if name != "sign" and value is not None and value != ""
    }
    return "&".join(f"{name}={kept[name]}" for name in sorted(kept))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return _as_php_writes(value)
    if isinstance(value, float):
        # PHP turns 10.0 into "10". A float serves the signature only; amounts are read as decimals.
        return repr(value).removesuffix(".0")
    return str(value)


def _as_php_writes(value: object) -> str:
    """JSON_UNESCAPED_UNICODE leaves these two line ends escaped, unlike Python."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
