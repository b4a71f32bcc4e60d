"""What suppliers hand in, at rest: bound to the supplier and the purpose."""

from __future__ import annotations

from sqlalchemy import text

from kameng import sealing
from kameng.db import db
from kameng.identity import api as identity
from kameng.sealing import SealBroken

__all__ = ["SealBroken", "reseal_all", "seal", "totp_name", "unseal"]

AREA = "suppliers"
PURPOSES = {"supplier_document": "document", "supplier_key": "key"}  # table → purpose
TOTP_HOLDER = 0  # suppliers' second factors belong to no station


def seal(supplier_id: int, purpose: str, content: bytes) -> bytes:
    """Encrypt with the present master key."""
    return sealing.seal(AREA, f"{supplier_id}|{purpose}", content)


def unseal(supplier_id: int, purpose: str, sealed: bytes) -> bytes:
    """Decrypt with the present or the previous master key; raises `SealBroken`."""
    return sealing.unseal(AREA, f"{supplier_id}|{purpose}", sealed)


def totp_name(login: str) -> str:
    """The name a supplier's second factor is sealed for: no staff can have it."""
    return f"supplier:{login}"


def reseal_all() -> int:
    """Seal all that suppliers handed in with the present master key (main scope); how many.

    For a change of the master key: run it while the old one stands in master_key_previous.
    """
    count = 0
    for table, purpose in PURPOSES.items():
        numbers = db.session.execute(text(f"SELECT supplier_id, id FROM {table}")).all()
        for supplier_id, number in numbers:  # one at a time: a document has megabytes
            given = {"supplier": supplier_id, "id": number}
            where = "WHERE supplier_id = :supplier AND id = :id"
            sealed = db.session.scalar(
                text(f"SELECT sealed FROM {table} {where} FOR UPDATE"), given
            )
            again = seal(supplier_id, purpose, unseal(supplier_id, purpose, bytes(sealed)))
            db.session.execute(
                text(f"UPDATE {table} SET sealed = :sealed {where}"), {**given, "sealed": again}
            )
            db.session.commit()
            count += 1
    return count + _reseal_second_factors()


def _reseal_second_factors() -> int:
    people = db.session.execute(
        text(
            "SELECT supplier_id, id, login, totp_secret FROM supplier_user"
            " WHERE totp_secret IS NOT NULL FOR UPDATE"
        )
    ).all()
    for one in people:
        name = totp_name(one.login)
        secret = identity.unseal_second_factor(TOTP_HOLDER, name, bytes(one.totp_secret))
        sealed = identity.seal_second_factor(TOTP_HOLDER, name, secret)
        db.session.execute(
            text(
                "UPDATE supplier_user SET totp_secret = :sealed"
                " WHERE supplier_id = :supplier AND id = :id"
            ),
            {"sealed": sealed, "supplier": one.supplier_id, "id": one.id},
        )
    db.session.commit()
    return len(people)
