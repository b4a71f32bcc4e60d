"""The MD5 signature of requests and notices of 卡卡云 v3: sorted `k=v`, the key behind it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping


def sign(params: Mapping[str, object], secret: str) -> str:
    """Lower-case MD5; what cannot be written in UTF-8 gives a signature that fits nothing else."""
    text = canonical_text(params) + secret
    return hashlib.md5(text.encode(errors="replace"), usedforsecurity=False).hexdigest()


def signer(params: Mapping[str, object], given: str, secrets: Iterable[str]) -> str:
    """Which of a key's live secrets has signed them, or "". All are tried: time tells less then."""
    wanted = given.encode(errors="replace")
    same = [s for s in secrets if hmac.compare_digest(sign(params, s).encode(), wanted)]
    return same[0] if same else ""


def canonical_text(params: Mapping[str, object]) -> str:
    """Without `sign`, null and empty text. Zero is a value, and so is an empty list."""
    kept = sorted(
        (name, value)
        for name, value in params.items()
        if name != "sign" and value is not None and value != ""
    )
    return "&".join(f"{name}={_written(value)}" for name, value in kept)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        listed = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        # PHP escapes these two line ends even where it leaves letters as they are.
        return listed.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    if isinstance(value, float):
        return repr(value).removesuffix(".0")  # PHP writes 10.0 as "10"
    return str(value)
