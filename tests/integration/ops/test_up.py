"""`kameng up` itself: starts from nothing, survives kills, stops without a trace, starts again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kameng.ops.home import CHECKOUT, Home
from kameng.ops.process import left_over, servers_in
from kameng.ops.runtime import running_environment

KAMENG = [sys.executable, "-m", "kameng.cli"]


class Installation:
    """One state folder with a port of its own, without the demo's data."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.port = _free_port()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KAMENG_")}
        self.environ = {
            **clean,
            "KAMENG_HOME": str(root),
            "KAMENG_PORT": str(self.port),
            "KAMENG_DEMO": "0",
            "KAMENG_WEB_WORKERS": "1",
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start and return what was said until it was ready."""
        self.process = subprocess.Popen(
            [*KAMENG, "up"],
            cwd=CHECKOUT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = ""
        assert self.process.stdout
        for line in self.process.stdout:
            said += line
            if "Ctrl-C" in line:
                return said
        raise AssertionError(said)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*KAMENG, *command],
            cwd=CHECKOUT, env=self.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def answers(self) -> bool:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/readyz", headers={"Host": "main.localhost"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def traces(self) -> list[int]:
        return left_over(self.home.root) + servers_in(self.home.root / "postgres" / "data")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _eventually_answers(installation: Installation, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not installation.answers():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    made = Installation(Path(tempfile.mkdtemp(prefix="kameng-up-")))
    yield made
    if made.process and made.process.poll() is None:
        made.process.terminate()
        made.process.wait(timeout=60)
    if made.process and made.process.stdout:
        made.process.stdout.close()
    shutil.rmtree(made.home.root)


# Each start costs seconds: the two tests below share one state folder and start it twice in all.
@pytest.mark.slow
def test_it_starts_from_nothing_and_survives_kills(installation: Installation) -> None:
    assert "PostgreSQL was set up" in installation.start()
    assert installation.run("ledger", "verify").returncode == 0
    assert installation.run("doctor").returncode == 0
    second = installation.run("up")
    assert second.returncode == 1
    assert "already running" in second.stderr
    for pid in left_over(installation.home.root):
        os.kill(pid, signal.SIGKILL)
    postmaster = installation.home.root / "postgres" / "data" / "postmaster.pid"
    os.kill(int(postmaster.read_text().split()[0]), signal.SIGQUIT)
    _eventually_answers(installation)
    installation.stop(signal.SIGKILL)


@pytest.mark.slow
def test_after_a_kill_of_the_whole_it_starts_again_and_stops_without_a_trace(
    installation: Installation,
) -> None:
    assert "was set up" not in installation.start()
    assert installation.answers()
    assert installation.stop() == 0
    assert installation.traces() == []
    assert running_environment(installation.home) == {}


def test_a_command_without_a_running_server_says_so(tmp_path: Path) -> None:
    lone = Installation(tmp_path)
    done = lone.run("migrate")
    assert done.returncode == 1
    assert "KAMENG_SECRET_KEY" in done.stderr or "kameng up" in done.stderr
