"""Other shells see the installation as the running `kameng up` does."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kameng.ops.home import Home
from kameng.ops.runtime import effective_settings, forget_running, write_running
from kameng.ops.secret_files import ensure_secrets
from kameng.settings import SettingsError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.create()
    ensure_secrets(made, {})
    return made


def test_addresses_of_the_running_servers_are_found(home: Home) -> None:
    write_running(home, {"KAMENG_DATABASE_URL": "postgresql://here/kameng", "KAMENG_DEMO": "1"})
    settings = effective_settings({"KAMENG_HOME": str(home.root)})
    assert settings.database_url == "postgresql://here/kameng"
    assert settings.demo


def test_the_environment_wins(home: Home) -> None:
    write_running(home, {"KAMENG_DATABASE_URL": "postgresql://here/kameng"})
    environ = {"KAMENG_HOME": str(home.root), "KAMENG_DATABASE_URL": "postgresql://mine/kameng"}
    assert effective_settings(environ).database_url == "postgresql://mine/kameng"


def test_nothing_is_known_after_the_stop(home: Home) -> None:
    write_running(home, {"KAMENG_DATABASE_URL": "postgresql://here/kameng"})
    forget_running(home)
    assert effective_settings({"KAMENG_HOME": str(home.root)}).database_url == ""


def test_the_note_is_for_the_owner_alone(home: Home) -> None:
    write_running(home, {"KAMENG_REDIS_URL": "redis://:secret@here"})
    assert stat.S_IMODE((home.run / "environment.json").stat().st_mode) == 0o600


def test_an_untouched_folder_has_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KAMENG_SECRET_KEY"):
        effective_settings({"KAMENG_HOME": str(tmp_path)})
