"""The Kameng that is tried: one of our own, started and removed, or one that runs already."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg

from . import disk, processes
from .clock import Clock

ROOT = Path(__file__).resolve().parents[2]
KAMENG = [sys.executable, "-m", "kameng.cli"]
FIRST_START_S, COMES_BACK_S = 300, 60


class Installation:
    """Addresses, the database, and what is done to all of it. A context manager."""

    def __init__(self, home: Path | None, port: int) -> None:
        self.own = home is None
        self.home = home or Path(tempfile.mkdtemp(prefix="kameng-chaos-"))
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KAMENG_")}
        kept = os.environ if home else clean
        self.environ = {**kept, "KAMENG_HOME": str(self.home), "KAMENG_PORT": str(port)}
        self.base = f"http://127.0.0.1:{port}"
        self.simulators = f"http://127.0.0.1:{port + 1}"
        self.clock: Clock | None = None
        self.keep = False  # the state folder, for somebody to look at
        self._stack = ExitStack()

    def __enter__(self) -> Installation:
        with ExitStack() as starting:
            logs, mounted = self.home / "logs", False
            if self.own:
                starting.callback(self._remove)
                mounted = disk.mount(logs)
                if mounted:
                    starting.callback(self._take_logs_back, logs)
                self._start_clock(starting)
                self._start(starting)
            self.info: dict[str, Any] = json.loads(self.kameng("demo-info", "--json").stdout)
            self.logs = disk.LogDisk(logs, mounted, lambda name: processes.kill(self.home, name))
            self.data = Path(self.query("SHOW data_directory")[0][0])
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._stack.close()

    def _start_clock(self, starting: ExitStack) -> None:
        folder = Path(tempfile.mkdtemp(prefix="kameng-chaos-clock-"))
        starting.callback(shutil.rmtree, folder)
        clock = Clock(folder)
        if given := clock.environ():
            self.clock = clock
            self.environ |= given

    def _start(self, starting: ExitStack) -> None:
        log = starting.enter_context((self.home / "up.log").open("wb"))
        self._up = subprocess.Popen(
            [*KAMENG, "up"], env=self.environ, stdout=log, stderr=log, cwd=ROOT
        )
        starting.callback(self._stop)
        self.until_ready(FIRST_START_S)

    def _stop(self) -> None:
        self._up.send_signal(signal.SIGTERM)
        self._up.wait(60)

    def _take_logs_back(self, logs: Path) -> None:
        """Their disk goes; who keeps the state folder finds them beside it."""
        if self.keep:
            shutil.copytree(logs, self.home / "kept-logs")
        disk.unmount(logs)

    def _remove(self) -> None:
        if not self.keep:
            shutil.rmtree(self.home, ignore_errors=True)

    def up_runs(self) -> bool:
        """Whether our `kameng up` has not given up; one that is not ours is taken to run."""
        return not self.own or self._up.poll() is None

    def until_ready(self, limit_s: float) -> None:
        """Wait until /readyz says so. Ends the program when it does not in time."""
        give_up = time.monotonic() + limit_s
        while time.monotonic() < give_up and self.up_runs():
            try:
                url, host = f"{self.base}/readyz", {"Host": "main.localhost"}
                if httpx.get(url, headers=host, timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        raise SystemExit(f"the installation is not ready: {self._last_words()}")

    def _last_words(self) -> str:
        log = self.home / "up.log"
        return log.read_text()[-2000:] if log.exists() else ""

    def kameng(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the product, on this installation."""
        return self.python("-m", "kameng.cli", *words)

    def python(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Python with the product's environment; `given` is its input."""
        return subprocess.run(
            [sys.executable, *words], env=self.environ, capture_output=True, text=True, cwd=ROOT,
            input=given,
        )  # fmt: skip

    def query(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Rows as the owner; waits for a server that is just coming back."""
        give_up = time.monotonic() + COMES_BACK_S
        while True:
            try:
                with psycopg.connect(self.info["database_url"]) as connection:
                    return connection.execute(sql.encode(), params).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.5)

    def lever(self, path: str, **params: str) -> Any:
        """Move a lever of a simulator; waits for one that is just coming back."""
        give_up = time.monotonic() + COMES_BACK_S
        while True:
            try:
                url = f"{self.simulators}/{path}"
                answer = httpx.post(url, params=params, timeout=30)
                if answer.status_code < 500:
                    return answer.raise_for_status().json()
            except httpx.TransportError:
                if time.monotonic() > give_up:
                    raise
            time.sleep(0.3)
