"""Deeds of suppliers in the audit trail, which their own role may not write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kameng.db import db, main_scope
from kameng.identity.api import audit


def note(supplier_id: int, action: str, detail: Mapping[str, Any], ip: str = "") -> None:
    """Write down what a supplier has done, after it is done. Opens its own scope."""
    with main_scope(reason="audit of a supplier's deed"):
        subject = f"supplier:{supplier_id}"
        audit(subject, action, subject, detail, ip)
        db.session.commit()
