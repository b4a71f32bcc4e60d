"""Sealing cards: AES-256-GCM, bound to the SKU, the card's own digest and the data key.

Pure: keys and nonces come from outside. A ciphertext moved to another row does not open there.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
SEPARATOR = "\x1f"  # refused in every card, so it can stand between number and secret


class VaultError(Exception):
    """A sealed thing does not open: wrong key, wrong row, or changed bytes. Carries no data."""


class CardText(NamedTuple):
    """A card in the clear; its repr shows nothing, because reprs end up in logs."""

    number: str
    secret: str

    def __repr__(self) -> str:
        return "CardText(***)"


def card_digest(digest_key: bytes, card: CardText) -> bytes:
    """Keyed hash by which a duplicate is found; differences in width and blanks do not count."""
    plain = f"{_normal(card.number)}{SEPARATOR}{_normal(card.secret)}"
    return hmac.digest(digest_key, plain.encode(), "sha256")


def seal_card(
    cipher: AESGCM, key_id: int, sku_id: int, digest: bytes, nonce: bytes, card: CardText
) -> bytes:
    """Nonce followed by ciphertext; `nonce` must be 12 fresh random bytes."""
    plain = f"{card.number}{SEPARATOR}{card.secret}".encode()
    return nonce + cipher.encrypt(nonce, plain, _bound_to(sku_id, digest, key_id))


def open_card(cipher: AESGCM, key_id: int, sku_id: int, digest: bytes, sealed: bytes) -> CardText:
    """The card; raises `VaultError` unless key, SKU and digest are those it was sealed with."""
    try:
        plain = cipher.decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(sku_id, digest, key_id)
        )
    except (InvalidTag, ValueError):
        raise VaultError("a card does not open") from None
    number, _, secret = plain.decode().partition(SEPARATOR)
    return CardText(number, secret)


def wrap_key(master: bytes, purpose: str, key: bytes, nonce: bytes) -> bytes:
    """A data key sealed by the master key."""
    return nonce + AESGCM(master).encrypt(nonce, key, _key_label(purpose))


def unwrap_key(master: bytes, purpose: str, wrapped: bytes) -> bytes:
    """The data key; raises `VaultError` for another master key or purpose."""
    try:
        return AESGCM(master).decrypt(
            wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _key_label(purpose)
        )
    except (InvalidTag, ValueError):
        raise VaultError("a data key does not open: wrong master key?") from None


def master_fingerprint(master: bytes) -> str:
    """Tells master keys apart without telling anything about them."""
    return hashlib.sha256(b"kameng master key\0" + master).hexdigest()[:16]


def mask_number(number: str) -> str:
    """A card number with its last four places hidden; short ones hidden whole."""
    return number[:-4] + "****" if len(number) > 8 else "****" if number else ""


def mask_secret(secret: str) -> str:
    """The first four places of a secret; its length stays hidden."""
    return secret[:4] + "********" if len(secret) >= 12 else "********"


def _normal(text: str) -> str:
    if text.isascii():
        return "".join(text.split())
    return "".join(unicodedata.normalize("NFKC", text).split())


def _bound_to(sku_id: int, digest: bytes, key_id: int) -> bytes:
    return b"card|%d|%b|%d" % (sku_id, digest, key_id)


def _key_label(purpose: str) -> bytes:
    return b"kameng data key|" + purpose.encode()
