"""RSA2, the only signature taken: SHA256 with RSA (PKCS#1 v1.5) over sorted parameters."""

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

SIGN_TYPE = "RSA2"
LEAST_BITS = 2048
CERTIFICATE = "-----BEGIN CERTIFICATE-----"


class BadKey(ValueError):
    """The text is not a usable RSA key of the wanted kind."""


def request_text(params: Mapping[str, str]) -> str:
    """What a request's signature covers: all non-empty `k=v` but `sign`, sorted, joined by `&`."""
    return _sorted_text(params, {"sign"})


def notice_text(params: Mapping[str, str]) -> str:
    """What a notice's signature covers: `sign_type` stays out as well."""
    return _sorted_text(params, {"sign", "sign_type"})


def _sorted_text(params: Mapping[str, str], unsigned: set[str]) -> str:
    kept = {name: value for name, value in params.items() if name not in unsigned and value.strip()}
    return "&".join(f"{name}={kept[name]}" for name in sorted(kept))


def sign(text: str, private_key: str) -> str:
    """Base64 of the signature. Raises `BadKey`."""
    signature = load_private_key(private_key).sign(
        text.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    return base64.b64encode(signature).decode()


def verify(text: str, public_key: str, signature: str) -> bool:
    """True only for a well-formed, matching signature; never raises for a bad one."""
    try:
        load_public_key(public_key).verify(
            base64.b64decode(signature, validate=True),
            text.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except (InvalidSignature, binascii.Error, UnicodeEncodeError, ValueError):
        return False
    return True


@lru_cache(maxsize=8)
def load_private_key(text: str) -> RSAPrivateKey:
    """Read a PEM or the bare base64 of Alipay's key tool. Raises `BadKey`."""
    key: object = None
    for candidate in _pem_candidates(text, "PRIVATE KEY", "RSA PRIVATE KEY"):
        try:
            key = serialization.load_pem_private_key(candidate, password=None)
        except (ValueError, TypeError):
            continue
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise BadKey("not an RSA private key of 2048 bits or more")
    return key


@lru_cache(maxsize=8)
def load_public_key(text: str) -> RSAPublicKey:
    """Read a PEM, bare base64 or a certificate. Raises `BadKey`."""
    key: object = None
    try:
        if CERTIFICATE in text:
            key = x509.load_pem_x509_certificate(text.strip().encode()).public_key()
        else:
            key = _plain_public_key(text)
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise BadKey("not an RSA public key of 2048 bits or more")
    return key


def public_text(key: RSAPrivateKey) -> str:
    """The public half, as PEM."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _plain_public_key(text: str) -> object:
    for candidate in _pem_candidates(text, "PUBLIC KEY", "RSA PUBLIC KEY"):
        try:
            return serialization.load_pem_public_key(candidate)
        except ValueError:
            continue
    return None


def _pem_candidates(text: str, *labels: str) -> list[bytes]:
    """The console shows keys without the PEM frame and on one line: try each known frame."""
    if "-----BEGIN" in text:
        return [text.strip().encode()]
    body = "".join(text.split())
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return [
        f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode() for label in labels
    ]
