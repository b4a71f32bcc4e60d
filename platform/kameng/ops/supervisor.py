"""Keeps processes running: starts them in order, restarts what dies, stops all cleanly."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kameng.ops.errors import OpsError, Stopped
from kameng.ops.process import Service, start, sweep_group, tell

BACK_OFF_S = (0.2, 0.5, 1, 2, 5, 10, 15)
STEADY_S = 30  # alive for this long: the next death counts as the first again
POLL_S = 0.1


@dataclass(slots=True)
class _Child:
    service: Service
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    start_again_at: float | None = None


class Supervisor:
    """Owns the child processes of one `kameng up`. Used from the main thread only."""

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._say = say
        self._children: list[_Child] = []
        self._stop = threading.Event()
        self._forced = False

    def on_signal(self, _number: int, _frame: object) -> None:
        """First signal: stop cleanly. A second one: kill."""
        self._forced = self._stop.is_set()
        self._stop.set()

    def check_stop(self) -> None:
        """Raise `Stopped` when the user wants to end."""
        if self._stop.is_set():
            raise Stopped

    def start(self, service: Service) -> None:
        """Start a service and wait until it is ready. Raises `OpsError` with its last words."""
        self.start_all([service])

    def start_all(self, services: Sequence[Service]) -> None:
        """Start services side by side and wait until each is ready."""
        begun = [self._launch(service) for service in services]
        for child in begun:
            self._wait_ready(child)

    def run_step(self, service: Service) -> None:
        """Run a process that ends by itself; raises `OpsError` when it fails."""
        child = self._launch(service)
        while (code := child.process.poll()) is None:
            if self._stop.wait(POLL_S):
                self._end([child])
                raise Stopped
        self._children.remove(child)
        if code != 0:
            raise OpsError(f"Step “{service.name}” failed.\n{self.last_words(service.name)}")

    def watch(self) -> None:
        """Restart what dies until a signal comes."""
        while not self._stop.wait(POLL_S):
            for child in self._children:
                self._look_after(child)

    def stop(self) -> None:
        """Stop in reverse order of the starts: first all that serve, then the databases."""
        self._stop.set()
        while self._children:
            last = self._children[-1].service
            tier = [c for c in self._children if _tier(c.service) == _tier(last)]
            self._end(tier)
            self._children = [c for c in self._children if c not in tier]

    def last_words(self, name: str, lines: int = 25) -> str:
        """The end of a service's log."""
        log = self._logs / f"{name}.log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        return "\n".join([*text.splitlines()[-lines:], f"(log: {log})"])

    def _launch(self, service: Service) -> _Child:
        self.check_stop()
        service.before_start()
        process = start(service, self._logs / f"{service.name}.log")
        child = _Child(service, process, time.monotonic())
        self._children.append(child)
        return child

    def _wait_ready(self, child: _Child) -> None:
        service = child.service
        end = time.monotonic() + service.ready_timeout_s
        while not service.ready():
            if child.process.poll() is not None:
                raise OpsError(f"{service.name} did not start.\n{self.last_words(service.name)}")
            if time.monotonic() > end:
                raise OpsError(
                    f"{service.name} was not ready after {service.ready_timeout_s:.0f} s.\n"
                    + self.last_words(service.name)
                )
            if self._stop.wait(POLL_S):
                raise Stopped

    def _look_after(self, child: _Child) -> None:
        if child.start_again_at is None:
            self._note_death(child)
        elif time.monotonic() >= child.start_again_at:
            self._start_again(child)

    def _note_death(self, child: _Child) -> None:
        code = child.process.poll()
        if code is None:
            return
        sweep_group(child.process)
        now = time.monotonic()
        child.deaths = 1 if now - child.started > STEADY_S else child.deaths + 1
        wait_s = BACK_OFF_S[min(child.deaths, len(BACK_OFF_S)) - 1]
        child.start_again_at = now + wait_s
        self._say(f"{child.service.name} ended ({_reason(code)}); starting again in {wait_s} s")

    def _start_again(self, child: _Child) -> None:
        child.start_again_at = None
        child.started = time.monotonic()
        child.service.before_start()
        child.process = start(child.service, self._logs / f"{child.service.name}.log")

    def _end(self, children: Sequence[_Child]) -> None:
        for child in children:
            tell(child.process, child.service.stop_signal)
        for child in children:
            self._wait_end(child)
            sweep_group(child.process)

    def _wait_end(self, child: _Child) -> None:
        end = time.monotonic() + child.service.stop_timeout_s
        while child.process.poll() is None:
            if self._forced or time.monotonic() > end:
                child.process.kill()
                child.process.wait()
                return
            time.sleep(0.02)


def _tier(service: Service) -> str:
    return service.name if service.name in ("postgres", "valkey") else "application"


def _reason(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
