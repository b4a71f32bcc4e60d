"""What an author does who has only the wheel: in an empty folder, without a checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = re.MULTILINE | re.DOTALL
QUIET = ("--disable-pip-version-check", "--no-deps", "--no-index", "-q")


@dataclass(frozen=True)
class Author:
    """Somebody with an interpreter that has Kameng's wheel, and a folder."""

    python: Path
    folder: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """A command in the folder; programs are those of the interpreter."""
        program = self.python.parent / str(command[0])
        return subprocess.run(
            [program, *map(str, command[1:])], cwd=self.folder, env=self._environment(),
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def done(self, *command: str | Path) -> str:
        """A command that must succeed; what it printed."""
        ended = self.run(*command)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def install(self, what: str | Path, *options: str) -> None:
        """By pip, from this machine only."""
        self.done("python", "-m", "pip", "install", *QUIET, *options, what)

    def follows(self, page: Path) -> None:
        """Does what stands in the shell blocks of a page, one after the other, and fails with one."""
        script = "\n".join(re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), FLAGS))
        assert script
        # As somebody without a network: what is needed is here.
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        ended = subprocess.run(
            ["bash", "-e", "-x", "-c", script], cwd=self.folder, capture_output=True, text=True,
            env={**self._environment(), **offline, "PATH": path}, timeout=120,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def _environment(self) -> dict[str, str]:
        # Without the checkout: what is imported must come from the wheel.
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> Author:
    """The dependencies of this run are lent, not its editable installs: their hooks stay behind."""
    home = tmp_path_factory.mktemp("author")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(home)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = home.glob("*.whl")
    venv.create(home / "venv", symlinks=True)
    (site,) = (home / "venv").glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    folder = home / "empty"
    folder.mkdir()
    made = Author(home / "venv" / "bin" / "python", folder)
    made.install(wheel, "--ignore-installed")
    return made


@pytest.mark.slow
def test_a_plugin_is_made_installed_and_proved_from_the_wheel_alone(author: Author) -> None:
    where = author.done("python", "-c", "import kameng_sdk; print(kameng_sdk.__file__)").strip()
    assert Path(where).is_relative_to(author.python.parent.parent)
    author.done("kameng-plugin", "new", "demo-supplier", "--kind", "supplier")
    author.install("demo-supplier", "--no-build-isolation", "-e")
    assert "0 failed" in author.done("kameng-plugin", "verify", "demo-supplier")

    plugin = author.folder / "demo-supplier" / "src" / "demo_supplier" / "plugin.py"
    source = plugin.read_text(encoding="utf-8")
    plugin.write_text(
        source.replace("from kameng_sdk.config", "import kameng.db\nfrom kameng_sdk.config")
    )
    caught = author.run("kameng-plugin", "verify", "demo-supplier")
    assert caught.returncode == 1
    (failure,) = [line for line in caught.stdout.splitlines() if line.startswith("FAIL")]
    assert "static.imports" in failure
    assert "kameng.db" in failure


@pytest.mark.slow
def test_the_quickstart_does_what_it_says(author: Author) -> None:
    folder = author.folder / "quickstart"
    folder.mkdir()
    replace(author, folder=folder).follows(ROOT / "docs" / "plugins" / "quickstart.md")
    assert (folder / "report.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.slow
def test_every_kind_is_made_and_proved_and_its_tests_pass(author: Author) -> None:
    for kind in ("payment", "risk", "theme"):
        name = f"own-{kind}"
        author.done("kameng-plugin", "new", name, "--kind", kind)
        author.install(name, "--no-build-isolation", "-e")
        for asked in (name, f"{kind}-own", f"own_{kind}"):
            assert f"{kind}-own 0.1.0 sha256:" in author.done("kameng-plugin", "digest", asked)
        assert "0 failed" in author.done("kameng-plugin", "verify", name)
        author.done("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{name}/tests")
