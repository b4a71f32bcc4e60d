"""The vault's rules: what is sealed opens only where it belongs."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kameng.stock.domain.levels import level_alert
from kameng.stock.domain.vault import (
    CardText,
    VaultError,
    card_digest,
    mask_number,
    mask_secret,
    master_fingerprint,
    open_card,
    seal_card,
    unwrap_key,
    wrap_key,
)

KEY, NONCE = b"k" * 32, b"n" * 12
CARD = CardText("XH1026118831", "7KQ4-AAAA-BBBB")
DIGEST = card_digest(KEY, CARD)


def test_S10_a_card_opens_with_its_own_sku_digest_and_key_only() -> None:
    cipher = AESGCM(KEY)
    sealed = seal_card(cipher, 3, 7, DIGEST, NONCE, CARD)
    assert open_card(cipher, 3, 7, DIGEST, sealed) == CARD
    wrong = [(3, 8, DIGEST, sealed), (4, 7, DIGEST, sealed), (3, 7, b"x" * 32, sealed),
             (3, 7, DIGEST, sealed[:-1] + b"\0"), (3, 7, DIGEST, b"")]  # fmt: skip
    for key_id, sku_id, digest, changed in wrong:
        with pytest.raises(VaultError):
            open_card(cipher, key_id, sku_id, digest, changed)


def test_a_cards_repr_shows_nothing() -> None:
    assert "7KQ4" not in repr(CARD)
    assert "7KQ4" not in f"{CARD}"


def test_S10_width_and_blanks_make_no_new_card() -> None:
    assert card_digest(KEY, CardText("ＸＨ1026 118831", " 7KQ4-AAAA-BBBB")) == DIGEST
    assert card_digest(KEY, CardText("XH1026118831", "7kq4-AAAA-BBBB")) != DIGEST
    assert card_digest(KEY, CardText("XH10261188317KQ4-AAAA-BBBB", "")) != DIGEST
    assert card_digest(b"j" * 32, CARD) != DIGEST


def test_a_data_key_opens_with_its_master_and_purpose_only() -> None:
    master = b"m" * 32
    wrapped = wrap_key(master, "card", KEY, NONCE)
    assert unwrap_key(master, "card", wrapped) == KEY
    for other, purpose in ((b"o" * 32, "card"), (master, "digest")):
        with pytest.raises(VaultError):
            unwrap_key(other, purpose, wrapped)
    assert master_fingerprint(master) != master_fingerprint(b"o" * 32)


def test_masks_keep_the_secret() -> None:
    assert mask_number("XH1026118831") == "XH102611****"
    assert mask_number("1234") == "****"
    assert mask_number("") == ""
    assert mask_secret("7KQ4-AAAA-BBBB") == "7KQ4********"
    assert mask_secret("short") == "********"


@pytest.mark.parametrize(("free", "kind"), [(0, "sold_out"), (20, "low_stock"), (21, "")])
def test_T3_a_pool_is_low_at_its_limit(free: int, kind: str) -> None:
    assert level_alert(free, 20) == kind
