"""One use case, one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kameng.db import db


@contextmanager
def saving() -> Iterator[None]:
    """Commit at the end; after a refusal nothing half-changed may linger in the session."""
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
