"""Signatures of both epay versions: one canonical text, then MD5 or SHA256 with RSA."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

UNSIGNED_FIELDS = frozenset({"sign", "sign_type"})


class BadKey(ValueError):
    """The text is not a usable RSA key of the wanted kind."""


def canonical_text(params: Mapping[str, object]) -> str:
    """Sorted, non-empty `k=v` joined by `&`; arrays and the signature itself stay out.

    The number 0 counts as a value: only null and blank text are empty, as in the v2 reference.
    """
    kept = {
        name: _scalar(value)
        for name, value in params.items()
        if name not in UNSIGNED_FIELDS and not isinstance(value, (list, dict, tuple))
    }
    return "&".join(f"{name}={kept[name]}" for name in sorted(kept) if kept[name].strip())


def _scalar(value: object) -> str:
    if value is None or value is False:
        return ""
    return "1" if value is True else str(value)


def md5_sign(params: Mapping[str, object], key: str) -> str:
    """The v1 signature: lower-case MD5 of the canonical text followed by the merchant key."""
    text = (canonical_text(params) + key).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def md5_verify(params: Mapping[str, object], key: str, sign: str) -> bool:
    """Compare in constant time. Bytes, because text with non-ASCII letters cannot be compared."""
    return hmac.compare_digest(md5_sign(params, key).encode(), sign.lower().encode())


def rsa_sign(params: Mapping[str, object], private_key: str) -> str:
    """The v2 signature: base64 of SHA256 with RSA (PKCS#1 v1.5) over the canonical text."""
    signature = load_private_key(private_key).sign(
        canonical_text(params).encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    return base64.b64encode(signature).decode()


def rsa_verify(params: Mapping[str, object], public_key: str, sign: str) -> bool:
    """True only for a well-formed, matching signature; never raises for a bad signature."""
    try:
        signature = base64.b64decode(sign, validate=True)
        load_public_key(public_key).verify(
            signature, canonical_text(params).encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except (InvalidSignature, binascii.Error, UnicodeEncodeError, ValueError):
        return False
    return True


@lru_cache(maxsize=8)
def load_private_key(text: str) -> RSAPrivateKey:
    """Read a PEM or the bare base64 that epay consoles show. Raises BadKey."""
    key: object = None
    for candidate in _pem_candidates(text, "PRIVATE KEY", "RSA PRIVATE KEY"):
        try:
            key = serialization.load_pem_private_key(candidate, password=None)
        except (ValueError, TypeError):
            continue
    if not isinstance(key, RSAPrivateKey):
        raise BadKey("not an RSA private key")
    return key


@lru_cache(maxsize=8)
def load_public_key(text: str) -> RSAPublicKey:
    """Read a PEM or bare base64. Raises BadKey."""
    key: object = None
    for candidate in _pem_candidates(text, "PUBLIC KEY", "RSA PUBLIC KEY"):
        try:
            key = serialization.load_pem_public_key(candidate)
        except ValueError:
            continue
    if not isinstance(key, RSAPublicKey):
        raise BadKey("not an RSA public key")
    return key


def _pem_candidates(text: str, *labels: str) -> list[bytes]:
    """Consoles show keys without the PEM frame and with any line breaks: try each known frame."""
    if "-----BEGIN" in text:
        return [text.strip().encode()]
    body = "".join(text.split())
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return [
        f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode() for label in labels
    ]
