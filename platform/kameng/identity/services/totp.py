"""Second factor: secrets sealed at rest, codes that work once."""

from __future__ import annotations

import base64
import hmac
import logging
import os
import time

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import func, select, update

from kameng.db import db
from kameng.identity import domain
from kameng.identity.models import Staff
from kameng.runtime import current_settings

log = logging.getLogger(__name__)

NONCE_BYTES = 12
ISSUER = "Kameng"


class SealBroken(Exception):
    """A stored secret does not open: another master key, another row, or changed bytes."""


def new_secret() -> str:
    """A random secret in base32, 160 bits."""
    return pyotp.random_base32()


def provisioning_uri(login: str, secret: str) -> str:
    """What the QR code for an authenticator says."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def seal(station_id: int, login: str, secret: str) -> bytes:
    """Encrypt for storage, bound to station and login."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _ciphers()[0].encrypt(nonce, secret.encode(), _bound_to(station_id, login))


def unseal(station_id: int, login: str, sealed: bytes) -> str:
    """Decrypt with the current or the previous master key; raises `SealBroken`."""
    nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for cipher in _ciphers():
        try:
            return cipher.decrypt(nonce, text, _bound_to(station_id, login)).decode()
        except InvalidTag:
            continue
    raise SealBroken(f"second factor of {login}")


def reseal_all() -> int:
    """Seal every second factor with the present master key (main scope); returns how many.

    For a change of the master key: run it while the old one stands in master_key_previous.
    """
    enrolled = select(Staff).where(Staff.totp_secret.is_not(None)).with_for_update()
    people = db.session.scalars(enrolled).all()
    for one in people:
        secret = unseal(one.station_id, one.login, one.totp_secret or b"")
        one.totp_secret = seal(one.station_id, one.login, secret)
    db.session.commit()
    return len(people)


def spend_code(staff: Staff, code: str) -> bool:
    """Whether the code is right and was not used before; uses it up in one statement."""
    if staff.totp_secret is None:
        return False
    step = step_of(staff.station_id, staff.login, staff.totp_secret, code)
    if step is None:
        return False
    spent = db.session.execute(
        update(Staff)
        .where(
            Staff.station_id == staff.station_id,
            Staff.id == staff.id,
            Staff.totp_last_step < step,
        )
        .values(totp_last_step=step, last_login_at=func.now())
        .execution_options(synchronize_session=False)
        .returning(Staff.id)
    )
    return spent.first() is not None


def step_of(station_id: int, login: str, sealed: bytes, code: str) -> int | None:
    """The step a right code belongs to, None for a wrong one; the caller uses it up."""
    try:
        secret = unseal(station_id, login, sealed)
    except SealBroken as broken:
        log.error("%s does not open: master key or row was changed", broken)
        return None
    return _matching_step(secret, code)


def _matching_step(secret: str, code: str) -> int | None:
    digits = code.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    totp, found = pyotp.TOTP(secret), None
    for step in domain.totp_steps(time.time()):
        expected = totp.at(step * domain.TOTP_STEP_S)
        if hmac.compare_digest(expected, digits):
            found = step
    return found


def _ciphers() -> list[AESGCM]:
    settings = current_settings()
    given = [settings.master_key, settings.master_key_previous]
    return [AESGCM(_derive(key)) for key in given if key]


def _derive(master_key: str) -> bytes:
    raw = base64.b64decode(master_key)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"kameng staff totp").derive(raw)


def _bound_to(station_id: int, login: str) -> bytes:
    return f"{station_id}|{login}".encode()
