"""The doctor says in words what is wrong, and changes nothing."""

from __future__ import annotations

from pathlib import Path

from kameng.ops.doctor import Finding, Level, examine, exit_code
from kameng.ops.home import Home
from kameng.ops.secret_files import ensure_secrets


def _by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


def test_a_fresh_machine_is_told_how_to_start(tmp_path: Path) -> None:
    found = _by_subject(examine({"KAMENG_HOME": str(tmp_path / "none")}))
    assert found["settings"].level is Level.WARN
    assert "kameng up" in found["settings"].words
    assert not (tmp_path / "none").exists()


def test_an_unsafe_secret_is_named(tmp_path: Path) -> None:
    environ = {"KAMENG_HOME": str(tmp_path), "KAMENG_DATABASE_URL": "postgresql://nowhere/kameng"}
    found = _by_subject(examine(environ))
    assert found["settings"].level is Level.BAD
    assert "KAMENG_SECRET_KEY" in found["settings"].words


def test_a_readable_secret_is_bad(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    ensure_secrets(home, {})
    (home.secrets / "master_key").chmod(0o644)
    found = _by_subject(examine({"KAMENG_HOME": str(tmp_path), "KAMENG_PORT": "18431"}))
    assert found["secrets"].level is Level.BAD
    assert "chmod 600" in found["secrets"].remedy


def test_an_unreachable_database_is_said_in_words(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    ensure_secrets(home, {})
    environ = {
        "KAMENG_HOME": str(tmp_path),
        "KAMENG_PORT": "18431",
        "KAMENG_DATABASE_URL": f"postgresql://postgres@/kameng?host={tmp_path}",
        "KAMENG_REDIS_URL": f"unix://{tmp_path}/none.sock",
    }
    findings = examine(environ)
    found = _by_subject(findings)
    assert found["PostgreSQL"].level is Level.BAD
    assert found["Redis"].level is Level.BAD
    assert exit_code(findings) == 1


def test_warnings_alone_do_not_fail() -> None:
    assert exit_code([Finding(Level.WARN, "browser", "none"), Finding(Level.OK, "disk", "")]) == 0
