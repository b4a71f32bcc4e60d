"""pgBackRest is asked as its own documents say; the program here is a stand-in that takes notes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kameng.ops.backup.methods import ByPgBackRest, method_of
from kameng.ops.backup.pgbackrest import PgBackRest
from kameng.ops.backup.scratch import Target
from kameng.ops.errors import OpsError
from kameng.settings import Settings

INFO = [{
    "name": "shop", "db": [{"id": 1, "system-id": 4711}],
    "backup": [
        {"label": "20261125-030000F", "error": False, "archive": {"start": "A1", "stop": "A2"},
         "timestamp": {"start": 1764039600, "stop": 1764039660},
         "info": {"size": 157286400, "repository": {"delta": 20971520, "size": 20971520}}},
        {"label": "20261126-030000F", "error": True, "archive": {"start": "A3", "stop": "A4"},
         "timestamp": {"start": 1764126000, "stop": 1764126060}, "info": {"size": 1, "repository": {}}},
    ],
}]  # fmt: skip


@pytest.fixture
def tool(tmp_path: Path) -> PgBackRest:
    (tmp_path / "info.json").write_text(json.dumps(INFO))
    program = tmp_path / "pgbackrest"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/asked\n'
        f'case "$2" in info) cat {tmp_path}/info.json;; check) echo no archive >&2; exit 82;; esac\n'
    )
    program.chmod(0o755)
    return PgBackRest("shop", str(program))


def asked(tool: PgBackRest) -> list[str]:
    return Path(tool.program).with_name("asked").read_text().splitlines()


def test_it_backs_up_lists_and_restores_to_a_point(tool: PgBackRest, tmp_path: Path) -> None:
    tool.back_up()
    (base,) = tool.list_bases()
    tool.restore(tmp_path / "data", Target(name="kameng-1"))
    tool.restore(tmp_path / "data", Target(at=datetime(2026, 1, 31, 8, tzinfo=UTC)))
    tool.restore(tmp_path / "data", Target())
    start = f"--stanza=shop restore --pg1-path={tmp_path}/data"
    assert asked(tool) == [
        "--stanza=shop backup",
        "--stanza=shop info --output=json",
        f"{start} --type=name --target=kameng-1 --target-action=promote",
        f"{start} --type=time --target=2026-01-31 08:00:00.000000+00 --target-action=promote",
        start,
    ]
    assert (base.label, base.system, base.size) == ("20261125-030000F", "4711", 20971520)
    assert base.finished == datetime(2025, 11, 25, 3, 1, tzinfo=UTC)


def test_what_it_says_when_it_fails_is_passed_on(tool: PgBackRest) -> None:
    with pytest.raises(OpsError, match="no archive"):
        tool.check()


def test_without_the_program_it_is_said_in_words() -> None:
    with pytest.raises(OpsError, match="not installed"):
        PgBackRest("shop", "pgbackrest-that-is-not-there").back_up()


def test_the_setting_chooses_the_way(tmp_path: Path) -> None:
    url = "postgresql://owner@db.example.com/kameng"
    mine = Settings(home=tmp_path, demo=True, database_url=url, backup_stanza="shop")
    assert isinstance(method_of(mine), ByPgBackRest)
    with pytest.raises(OpsError, match="KAMENG_BACKUP_STANZA"):
        method_of(Settings(home=tmp_path, demo=True, database_url=url))


def test_a_copy_of_a_version_that_is_not_installed_is_refused(
    tool: PgBackRest, tmp_path: Path
) -> None:
    script = Path(tool.program)
    script.write_text(
        '#!/bin/sh\nfor word; do case "$word" in --pg1-path=*) echo 13 > '
        '"${word#--pg1-path=}/PG_VERSION";; esac; done\n'
    )
    way = ByPgBackRest("postgresql://db.example.com/kameng", tool, tmp_path)
    with pytest.raises(OpsError, match="PostgreSQL 13"), way.copy(Target()):
        pass
    assert list(tmp_path.glob("kameng-scratch-*")) == []
