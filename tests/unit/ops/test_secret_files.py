"""Secrets are made once, for their owner alone, and never the well-known one."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from kameng.ops.home import Home
from kameng.ops.secret_files import ensure_secrets, secret_variables
from kameng.settings import DEMO_SECRET, load_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.create()
    return made


def test_secrets_are_made_once(home: Home) -> None:
    ensure_secrets(home, {})
    first = (home.secrets / "secret_key").read_text()
    ensure_secrets(home, {})
    assert (home.secrets / "secret_key").read_text() == first
    assert DEMO_SECRET not in first


def test_secrets_are_readable_by_the_owner_alone(home: Home) -> None:
    ensure_secrets(home, {})
    for path in home.secrets.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_master_key_has_32_bytes(home: Home) -> None:
    ensure_secrets(home, {})
    assert len(base64.b64decode((home.secrets / "master_key").read_text())) == 32


def test_given_secrets_are_not_replaced(home: Home) -> None:
    given = {
        "KAMENG_SECRET_KEY": "x" * 40, "KAMENG_MASTER_KEY_FILE": "/run/master",
        "KAMENG_BACKUP_KEY_FILE": "/run/backup",
    }  # fmt: skip
    ensure_secrets(home, given)
    assert list(home.secrets.iterdir()) == []
    assert secret_variables(home, given) == {}


def test_generated_secrets_satisfy_production(home: Home) -> None:
    ensure_secrets(home, {})
    settings = load_settings({"KAMENG_DEMO": "0", **secret_variables(home, {})})
    assert len(settings.secret_key) >= 32
