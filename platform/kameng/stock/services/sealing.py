"""Sealing cards for the vault: what comes in a file and what a supplier delivers."""

from __future__ import annotations

import os

from kameng.stock.domain.lines import text_problem
from kameng.stock.domain.vault import NONCE_BYTES, CardText, card_digest, seal_card
from kameng.stock.services.keyring import active_key_id, card_cipher, digest_key


class CardSealer:
    """The keys for cards of one SKU, fetched once (main scope), and the sealing of many."""

    def __init__(self, sku_id: int) -> None:
        self.sku_id = sku_id
        self.key_id = active_key_id()
        self.cipher = card_cipher(self.key_id)
        self.digest_key = digest_key()

    def seal(self, cards: list[CardText]) -> tuple[str, str]:
        """Ciphertexts and digests as the guarded functions take them: hex between commas."""
        nonces = os.urandom(NONCE_BYTES * len(cards))
        ciphers: list[str] = []
        digests: list[str] = []
        for at, card in enumerate(cards):
            digest = card_digest(self.digest_key, card)
            nonce = nonces[at * NONCE_BYTES : (at + 1) * NONCE_BYTES]
            sealed = seal_card(self.cipher, self.key_id, self.sku_id, digest, nonce, card)
            digests.append(digest.hex())
            ciphers.append(sealed.hex())
        return ",".join(ciphers), ",".join(digests)


def is_card(number: str, secret: str) -> bool:
    """Whether the vault can keep such a card: a secret, no control characters, no endless text."""
    return bool(secret.strip()) and not text_problem(CardText(number, secret))
