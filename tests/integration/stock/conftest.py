"""A vault with its keys made, and a card SKU to fill."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from kameng.db import db, main_scope
from kameng.stock.services.keyring import active_key_id, digest_key


@pytest.fixture(autouse=True)
def keys(app: Flask) -> None:
    """Data keys exist, before anything else could put dummies in their place."""

    with app.app_context(), main_scope(reason="test"):
        active_key_id()
        digest_key()
        db.session.commit()


@pytest.fixture
def sku(keys: None, shop: Any) -> int:
    """The id of a fresh card SKU that is on sale at all three stations."""
    code = shop.sku()
    return int(shop.one("SELECT id FROM sku WHERE code = %s", code))
