"""Signatures of API v3: RSA with SHA-256 over lines of text, checked by the key of a serial."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PROBE = "WECHATPAY/SIGNTEST/"
PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"
FRESH_SECONDS = 300
_NONCE = re.compile(r"[0-9A-Za-z+/=_-]{1,128}")
_SERIAL = re.compile(r"[0-9A-Fa-f]{1,64}")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class BadKey(ValueError):
    """The text is not a usable RSA key or certificate."""


class BadSignature(ValueError):
    """What came is not proven to be from WeChat Pay, now; the text says why."""


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """A key WeChat Pay signs with; a certificate counts within its dates only."""

    key: RSAPublicKey
    begins: datetime | None = None
    ends: datetime | None = None

    def counts_at(self, now: datetime) -> bool:
        """Whether it may be used at this moment."""
        return not (self.begins and now < self.begins) and not (self.ends and now > self.ends)


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys that may sign, by serial: while a merchant changes over, two kinds at once."""

    keys: Mapping[str, PlatformKey]

    def find(self, serial: str, now: datetime) -> RSAPublicKey:
        """Raises BadSignature for a serial that is not configured, or is out of its dates."""
        name = serial if serial.startswith(PUBLIC_KEY_PREFIX) else _plain_serial(serial)
        found = self.keys.get(name)
        if found is None:
            raise BadSignature("unknown serial")
        if not found.counts_at(now):
            raise BadSignature("certificate out of its dates")
        return found.key


def _plain_serial(serial: str) -> str:
    """Hexadecimal, however it is written."""
    return f"{int(serial, 16):X}" if _SERIAL.fullmatch(serial) else ""


def keyring(public_key_id: str, public_key: str, certificates: str) -> Keyring:
    """Serials of certificates are read from them. Raises BadKey."""
    keys = {}
    for found in _CERTIFICATE.findall(certificates):
        serial, key = _read_certificate(found)
        keys[serial] = key
    if certificates.strip() and not keys:
        raise BadKey("no certificate in PEM form")
    if public_key_id:
        keys[public_key_id] = PlatformKey(load_public_key(public_key))
    return Keyring(keys)


def _read_certificate(pem: str) -> tuple[str, PlatformKey]:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except ValueError:
        raise BadKey("a certificate cannot be read") from None
    if not isinstance(key, RSAPublicKey):
        raise BadKey("a certificate without an RSA key")
    dates = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    return f"{certificate.serial_number:X}", PlatformKey(key, *dates)


def signed_lines(*lines: str | bytes) -> bytes:
    """Each line, also the last, ends with a line feed."""
    return b"".join((x if isinstance(x, bytes) else x.encode()) + b"\n" for x in lines)


def sign(private_key: RSAPrivateKey, *lines: str | bytes) -> str:
    """Base64 of the signature over the lines."""
    signature = private_key.sign(signed_lines(*lines), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def verify(public_key: RSAPublicKey, signature: str, *lines: str | bytes) -> bool:
    """True only for a well-formed, matching signature; never raises for a bad one."""
    try:
        raw = base64.b64decode(signature, validate=True)
        public_key.verify(raw, signed_lines(*lines), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def check_signed(headers: Mapping[str, str], body: bytes, keys: Keyring, now: datetime) -> None:
    """Raises BadSignature unless WeChat Pay signed this raw body within five minutes of now.

    `headers` are in lower case. Of two headers of one name neither form passes: both are gone,
    or joined by a comma that no value here may hold.
    """
    # The type of the signature is not signed, so it chooses nothing: it may only confirm.
    if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise BadSignature("another signature type")
    timestamp, nonce = headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", "")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise BadSignature("no usable timestamp")
    if abs(int(now.timestamp()) - int(timestamp)) > FRESH_SECONDS:
        raise BadSignature("stale or future timestamp")
    if not _NONCE.fullmatch(nonce):
        raise BadSignature("no usable nonce")
    signature = headers.get("wechatpay-signature", "")
    if signature.startswith(PROBE):
        raise BadSignature("a probe with a wrong signature")
    key = keys.find(headers.get("wechatpay-serial", ""), now)
    if not verify(key, signature, timestamp, nonce, body):
        raise BadSignature("wrong signature")


def open_sealed(api_v3_key: str, nonce: str, data: str, sealed: str) -> bytes:
    """AES-256-GCM of notices and certificates. Raises BadSignature when it was not sealed so."""
    try:
        ciphertext = base64.b64decode(sealed, validate=True)
        return AESGCM(api_v3_key.encode()).decrypt(nonce.encode(), ciphertext, data.encode())
    except (InvalidTag, binascii.Error, ValueError):
        raise BadSignature("cannot be decrypted with the API v3 key") from None


def seal(api_v3_key: str, nonce: str, data: str, plain: bytes) -> str:
    """The other direction."""
    sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), plain, data.encode())
    return base64.b64encode(sealed).decode()


@lru_cache(maxsize=64)
def load_private_key(text: str) -> RSAPrivateKey:
    """Read the merchant's apiclient_key.pem, with or without its frame. Raises BadKey."""
    try:
        key = serialization.load_pem_private_key(_framed(text, "PRIVATE KEY"), password=None)
    except (ValueError, TypeError):
        raise BadKey("not a private key") from None
    if not isinstance(key, RSAPrivateKey):
        raise BadKey("not an RSA private key")
    return key


@lru_cache(maxsize=64)
def load_public_key(text: str) -> RSAPublicKey:
    """Read WeChat Pay's pub_key.pem, with or without its frame. Raises BadKey."""
    try:
        key = serialization.load_pem_public_key(_framed(text, "PUBLIC KEY"))
    except ValueError:
        raise BadKey("not a public key") from None
    if not isinstance(key, RSAPublicKey):
        raise BadKey("not an RSA public key")
    return key


def _framed(text: str, label: str) -> bytes:
    if "-----BEGIN" in text:
        return text.strip().encode()
    body = "".join(text.split())
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()
