"""Text that goes into a form and comes back unchanged within the hour, for this supplier only."""

from __future__ import annotations

import base64
import hashlib
import zlib

from cryptography.fernet import Fernet, InvalidToken

from kameng.runtime import current_settings
from kameng_tenants.supplier_portal.entry import here

KEPT_S = 3600


def seal_for_form(text: str) -> str:
    """Packed and sealed."""
    return _box().encrypt(zlib.compress(text.encode())).decode()


def open_sealed(given: str) -> str | None:
    """The text, or None for anything else than what was sealed here of late."""
    try:
        return zlib.decompress(_box().decrypt(given.encode(), ttl=KEPT_S)).decode()
    except InvalidToken:
        return None


def _box() -> Fernet:
    secret = current_settings().secret_key.encode()
    name = f"kameng supplier form {here().supplier_id} ".encode()
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(name + secret).digest()))
