"""The state folder: found, private, held by one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kameng.ops.errors import OpsError
from kameng.ops.home import CHECKOUT, Home, find_home, only_one, socket_folder


def test_the_environment_names_the_folder(tmp_path: Path) -> None:
    assert find_home({"KAMENG_HOME": str(tmp_path)}).root == tmp_path


def test_a_checkout_keeps_its_state_in_var() -> None:
    assert find_home({}).root == CHECKOUT / "var"


def test_secrets_logs_and_run_are_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    for folder in (home.secrets, home.logs, home.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_holder_is_refused_in_words(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    with only_one(home), pytest.raises(OpsError, match="already running on") as refused:
        only_one(home).__enter__()
    assert "KAMENG_PORT" in refused.value.remedy


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    with only_one(home):
        pass
    with only_one(home):
        pass


def test_sockets_of_a_long_path_move_to_a_short_one(tmp_path: Path) -> None:
    short, long = Path("/srv/kameng"), Path("/srv") / ("x" * 120)
    assert socket_folder(short / "postgres", Home(short), "pg") == short / "postgres"
    moved = socket_folder(long / "postgres", Home(long), "pg")
    assert len(str(moved / ".s.PGSQL.5432.lock")) < 100
    assert moved != socket_folder(long / "postgres", Home(long / "other"), "pg")
