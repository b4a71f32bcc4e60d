"""The small shop of the integration tests, and a gateway whose record can be compared."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import pytest
from flask import Flask

from kameng.db import db, main_scope
from kameng.plugins import api as plugins
from kameng.plugins.discovery import GROUP
from kameng.settings import Settings
from kameng.stock.services.keyring import active_key_id, digest_key

from ..integration.conftest import Shop, shop  # noqa: F401, TID252  # the same hands, its fixture
from .gate import GATE, PLUGIN, Gate

DEER = 3


@pytest.fixture(autouse=True)
def keys(app: Flask) -> None:
    """The vault's own data keys, before the shop could put a dummy in their place."""
    with app.app_context(), main_scope(reason="test"):
        active_key_id()
        digest_key()
        db.session.commit()


@pytest.fixture
def gate(app: Flask, settings: Settings, shop: Shop) -> Gate:  # noqa: F811  # it is the fixture
    """The gate as an installed plugin, switched on for every station, its record empty."""
    own = EntryPoint(PLUGIN, f"{__package__}.gate", GROUP)
    host = plugins.init_plugins(app, settings, [*entry_points(group=GROUP), own])
    assert host.plugins[PLUGIN].manifest is not None, host.plugins[PLUGIN].reason
    GATE.forget()
    with app.app_context():
        plugins.set_enabled(1, PLUGIN, True, "test")
        GATE.token = plugins.hook_path(DEER, PLUGIN).rpartition("/")[2]
    return GATE
