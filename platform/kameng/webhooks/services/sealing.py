"""Secrets of endpoints at rest: bound to station, member and purpose."""

from __future__ import annotations

from sqlalchemy import text

from kameng import sealing
from kameng.db import db
from kameng.sealing import SealBroken

__all__ = ["SealBroken", "reseal_all", "seal", "unseal"]

AREA = "webhooks"

_ALL = text(
    "SELECT station_id, id, member_id, sealed, sealed_old FROM webhook_endpoint"
    " WHERE state <> 'removed' ORDER BY station_id, id FOR UPDATE"
)
_AGAIN = text(
    "UPDATE webhook_endpoint SET sealed = :sealed, sealed_old = :old"
    " WHERE station_id = :station AND id = :id"
)


def seal(station_id: int, member_id: int, secret: bytes) -> bytes:
    """Encrypt with the present master key."""
    return sealing.seal(AREA, f"{station_id}|{member_id}|webhook", secret)


def unseal(station_id: int, member_id: int, sealed: bytes) -> bytes:
    """Decrypt with the present or the previous master key; raises `SealBroken`."""
    return sealing.unseal(AREA, f"{station_id}|{member_id}|webhook", sealed)


def reseal_all() -> int:
    """Seal every secret with the present master key (main scope); how many endpoints.

    For a change of the master key: run it while the old one stands in master_key_previous.
    """
    rows = db.session.execute(_ALL).all()
    for row in rows:
        owner = row.station_id, row.member_id
        sealed, old = (
            seal(*owner, unseal(*owner, bytes(one))) if one is not None else None
            for one in (row.sealed, row.sealed_old)
        )
        db.session.execute(
            _AGAIN, {"station": row.station_id, "id": row.id, "sealed": sealed, "old": old}
        )
    db.session.commit()
    return len(rows)
