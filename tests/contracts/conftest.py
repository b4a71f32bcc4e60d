"""Hostile plugins as if they were installed, without installing them."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parent / "hostile"


@pytest.fixture(autouse=True)
def hostile_path(monkeypatch: pytest.MonkeyPatch):
    """The folder is importable, and each test imports its plugins anew."""
    monkeypatch.syspath_prepend(str(HOSTILE))
    yield
    for name in [name for name in sys.modules if name.startswith("kameng_hostile_")]:
        del sys.modules[name]


@pytest.fixture
def entry():
    """Function that makes an entry point: id and what it points to."""

    def make(plugin_id: str, target: str) -> EntryPoint:
        return EntryPoint(plugin_id, f"kameng_hostile_{target}", "kameng.plugins")

    return make


@pytest.fixture
def sound(entry) -> EntryPoint:
    """The neighbour that must go on working."""
    return entry("payment-sound", "sound")
