"""Fixtures of supply: the plugin of a supplier that says what it is told, and a street of them."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from kameng.plugins import api as plugins

from .street import PLUGIN, Street

POINTS = {PLUGIN: "kameng_test_upstream", "supplier-manual": "kameng_supplier_manual.plugin"}


@pytest.fixture(scope="module")
def upstream_accounts(app):
    """The plugin, as if it were installed; what each account says, by name."""
    folder = str(Path(__file__).parent / "upstream")
    sys.path.insert(0, folder)
    points = [EntryPoint(name, target, "kameng.plugins") for name, target in POINTS.items()]
    plugins.init_plugins(app, app.extensions["kameng.settings"], points)
    import kameng_test_upstream

    yield kameng_test_upstream.ACCOUNTS
    sys.path.remove(folder)


@pytest.fixture
def street(shop, upstream_accounts):
    """The street, inside an application context."""
    with shop.app.app_context():
        yield Street(shop, upstream_accounts)
