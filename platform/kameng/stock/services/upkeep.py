"""What keeps the vault in order: expiry, re-encryption, imports that no worker finished."""

from __future__ import annotations

import os
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import text

from kameng.catalog.api import forget_levels
from kameng.db import db, run
from kameng.db.guarded import Row
from kameng.runtime import current_settings
from kameng.stock.domain.vault import NONCE_BYTES, VaultError, open_card, seal_card
from kameng.stock.services.alerts import raise_alert
from kameng.stock.services.keyring import active_key_id, card_cipher
from kameng.stock.services.spool import drop_old_spools

REENCRYPT_BATCH = 500  # few rows at a time: a sale skips rows that are being written
STUCK_S = 6 * 3600

_STUCK = text("""
UPDATE card_batch SET state = 'failed', message = :message, finished_at = now()
WHERE state = 'importing' AND created_at < now() - make_interval(secs => :seconds)
""")


def reencrypt(limit: int = 10_000) -> int:
    """Move up to `limit` cards from retired keys to the active one; returns how many.

    Resumable: each batch commits, and a card another process has moved is left alone. A card that
    does not open stays as it is and raises an alert; it does not hold up the others.
    """
    key_id = active_key_id()
    moved = after = 0
    while moved < limit:
        rows = run("cards_to_reencrypt", p_after=after, p_limit=min(REENCRYPT_BATCH, limit - moved))
        if not rows:
            break
        after = rows[-1]["id"]
        sealed = {row["id"]: _resealed(row, key_id) for row in rows}
        good = [row for row in rows if sealed[row["id"]] is not None]
        (result,) = run(
            "reencrypt_cards", p_ids=[row["id"] for row in good],
            p_old_keys=[row["key_id"] for row in good],
            p_ciphers=[sealed[row["id"]] for row in good], p_key=key_id,
        )  # fmt: skip
        db.session.commit()
        moved += result["changed"]
    return moved


def _resealed(row: Row, key_id: int) -> bytes | None:
    try:
        card = open_card(
            card_cipher(row["key_id"]), row["key_id"], row["sku_id"], row["digest"], row["cipher"]
        )
    except VaultError:
        raise_alert("card_broken", f"card:{row['id']}", _("一张卡打不开，请核对后作废"))
        return None
    nonce = os.urandom(NONCE_BYTES)
    return seal_card(card_cipher(key_id), key_id, row["sku_id"], row["digest"], nonce, card)


def expire_cards() -> dict[int, int]:
    """Void unsold cards whose last day has come; SKU → how many."""
    today = datetime.now(ZoneInfo(current_settings().timezone)).date()
    voided = {row["sku_id"]: row["voided"] for row in run("expire_cards", p_today=today)}
    db.session.commit()
    forget_levels(voided)
    return voided


def give_up_stuck_imports() -> None:
    """Imports that nobody has finished for hours have failed; their sealed files go."""
    message = _("导入中断了，请重新上传；已入库的不会重复")
    db.session.execute(_STUCK, {"message": message, "seconds": STUCK_S})
    db.session.commit()
    drop_old_spools(STUCK_S)
