"""The simulated merchant's account: made once, then read from the store."""

import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .store import Store


@dataclass(frozen=True, slots=True)
class Keys:
    """What both sides of the protocol hold; the gateway knows all of it as it is a simulator."""

    pid: str
    md5_key: str
    merchant_private: str
    merchant_public: str
    platform_private: str
    platform_public: str


def load_keys(store: Store) -> Keys:
    """Idempotent, also when two processes start at once: a pair is stored as one value."""
    merchant_private = _kept_private_key(store, "merchant_private")
    platform_private = _kept_private_key(store, "platform_private")
    return Keys(
        pid=store.keep_first("pid", str(1000 + secrets.randbelow(9000))),
        md5_key=store.keep_first("md5_key", secrets.token_urlsafe(24)),
        merchant_private=merchant_private,
        merchant_public=_public_of(merchant_private),
        platform_private=platform_private,
        platform_public=_public_of(platform_private),
    )


def _kept_private_key(store: Store, name: str) -> str:
    # Making a key takes a good part of a second: only when there is none.
    return store.kept(name) or store.keep_first(name, _new_private_key())


def _new_private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _public_of(private: str) -> str:
    key = serialization.load_pem_private_key(private.encode(), password=None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
