"""What is not on the allow-list, or is not what was allowed, is not even imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kameng.cli import cli
from kameng.plugins.allowing import AllowList, lock_lines, read_allow_list
from kameng.plugins.discovery import PluginState, discover
from kameng.plugins.host import PluginHost
from kameng.settings import Settings, SettingsError
from kameng_sdk.kit.finding import installed


def allow_list(folder: Path, text: str) -> AllowList | None:
    path = folder / "plugins.lock"
    path.write_text(text, encoding="utf-8")
    return read_allow_list(str(path))


def test_what_is_on_the_list_is_used(tmp_path: Path) -> None:
    allowed = allow_list(tmp_path, "\n".join(lock_lines()) + "\n# for people\n\n")
    found = discover(allowed=allowed)
    assert found
    assert {plugin.id: plugin.reason for plugin in found.values() if plugin.fault} == {}


def test_what_is_not_on_the_list_is_not_imported(entry, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # the fixture makes entry points
    allowed = allow_list(tmp_path, "")
    found = discover(found=[entry("payment-bad", "exits")], allowed=allowed)["payment-bad"]
    assert (found.fault, found.manager) == (PluginState.QUARANTINED, None)
    assert found.reason == "not on the allow-list (KAMENG_PLUGINS_ALLOW)"


def test_another_version_is_refused_and_both_are_named(tmp_path: Path) -> None:
    (line, *_rest) = [line for line in lock_lines() if line.startswith("risk-velocity ")]
    allowed = allow_list(tmp_path, line.replace("0.1.0", "0.0.9"))
    found = discover(allowed=allowed)["risk-velocity"]
    assert found.reason == "version 0.1.0 is installed, the allow-list has 0.0.9"


def test_changed_files_are_refused_before_they_run(tmp_path: Path) -> None:
    lines = [line for line in lock_lines() if line.startswith("risk-velocity ")]
    allowed = allow_list(tmp_path, lines[0][:-4] + "0000")
    found = discover(allowed=allowed)["risk-velocity"]
    assert found.reason == "its files are not those of the allow-list: they have changed since"


def test_two_versions_may_be_allowed_while_machines_are_updated(tmp_path: Path) -> None:
    (line,) = [line for line in lock_lines() if line.startswith("risk-velocity ")]
    older = f"risk-velocity 0.0.9 sha256:{'0' * 64}"
    allowed = allow_list(tmp_path, f"{older}\n{line}\n")
    assert discover(allowed=allowed)["risk-velocity"].fault is None


@pytest.mark.parametrize("line", ["risk-velocity", "risk-velocity 1 md5:00", "a b sha256:xyz"])
def test_a_list_that_cannot_be_read_stops_the_start(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match="line 2"):
        allow_list(tmp_path, f"# fine\n{line}\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        PluginHost(Settings(demo=True, plugins_allow=str(tmp_path / "nowhere")))


def test_the_commands_print_what_is_installed() -> None:
    runner = CliRunner(env={"KAMENG_DEMO": "1"})
    lock = runner.invoke(cli, ["plugins", "lock"])
    assert lock.output.splitlines() == lock_lines()
    shown = runner.invoke(cli, ["plugins", "list"]).output.splitlines()
    assert len(shown) == len(installed())
    (line,) = [line for line in shown if line.startswith("risk-velocity ")]
    assert line.split()[1:3] == ["0.1.0", "sound"]
