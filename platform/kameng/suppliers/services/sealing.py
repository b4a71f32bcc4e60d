"""What suppliers hand in, at rest: AES-256-GCM under a key derived from the master key.

Bound to the supplier and the purpose by the additional data: a row copied elsewhere does not open.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import text

from kameng.db import db
from kameng.identity import api as identity
from kameng.runtime import current_settings

NONCE_BYTES = 12
PURPOSES = {"supplier_document": "document", "supplier_key": "key"}  # table → purpose
TOTP_HOLDER = 0  # suppliers' second factors belong to no station


class SealBroken(Exception):
    """It does not open: another master key, another row, or changed bytes."""


def seal(supplier_id: int, purpose: str, content: bytes) -> bytes:
    """Encrypt with the present master key."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _ciphers()[0].encrypt(nonce, content, _bound_to(supplier_id, purpose))


def unseal(supplier_id: int, purpose: str, sealed: bytes) -> bytes:
    """Decrypt with the present or the previous master key; raises `SealBroken`."""
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for cipher in _ciphers():
        try:
            return cipher.decrypt(nonce, body, _bound_to(supplier_id, purpose))
        except InvalidTag:
            continue
    raise SealBroken(f"{purpose} of supplier {supplier_id}")


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


def _ciphers() -> list[AESGCM]:
    settings = current_settings()
    given = [settings.master_key, settings.master_key_previous]
    return [AESGCM(_derive(key)) for key in given if key]


def _derive(master_key: str) -> bytes:
    raw = base64.b64decode(master_key)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"kameng suppliers").derive(raw)


def _bound_to(supplier_id: int, purpose: str) -> bytes:
    return f"{supplier_id}|{purpose}".encode()
