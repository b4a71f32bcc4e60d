"""Signatures of protocol 5.1.0, and the form that answers come in."""

import base64
import binascii
import hashlib
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

VERSION, ENCODING, RSA = "5.1.0", "UTF-8", "01"
MOST_FIELDS = 200


def signed_text(fields: Mapping[str, str]) -> str:
    """All fields but the signature as `k=v`, sorted by name, joined by `&`."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")


def _digest(fields: Mapping[str, str]) -> bytes:
    """What is signed: the SHA-256 of the text, as hexadecimal letters (hashed again by RSA)."""
    return hashlib.sha256(signed_text(fields).encode()).hexdigest().encode()


def sign(fields: Mapping[str, str], key: RSAPrivateKey) -> str:
    """Base64 of the RSA signature (PKCS#1 v1.5, SHA-256). Leave out empty fields before."""
    return base64.b64encode(key.sign(_digest(fields), padding.PKCS1v15(), hashes.SHA256())).decode()


def verify(fields: Mapping[str, str], key: RSAPublicKey) -> bool:
    """True only for a well-formed, matching signature; never raises for a bad one."""
    try:
        signature = base64.b64decode(fields.get("signature", ""), validate=True)
        key.verify(signature, _digest(fields), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, UnicodeEncodeError, ValueError):
        return False
    return True


def read_answer(text: str) -> dict[str, str]:
    """Fields of an answer: `k=v&k=v` unescaped; a value in braces may hold `&` and `=`.

    Raises `ValueError` when a name comes twice, a pair has no name or a brace stays open.
    """
    fields: dict[str, str] = {}
    for pair in _pairs(text.strip()):
        name, found, value = pair.partition("=")
        if not found or not name or name in fields or len(fields) >= MOST_FIELDS:
            raise ValueError("not an answer of UnionPay")
        fields[name] = value
    return fields


def _pairs(text: str) -> list[str]:
    pairs, start, open_braces = [], 0, 0
    for at, letter in enumerate(text):
        if letter == "{":
            open_braces += 1
        elif letter == "}":
            open_braces -= 1
        elif letter == "&" and open_braces == 0:
            pairs.append(text[start:at])
            start = at + 1
    if open_braces:
        raise ValueError("a brace stays open")
    return [*pairs, text[start:]] if text else []


def write_answer(fields: Mapping[str, str]) -> str:
    """The inverse of `read_answer`, for the other side of the wire."""
    return "&".join(f"{name}={value}" for name, value in fields.items())
