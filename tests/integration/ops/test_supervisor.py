"""Supervision with real processes: restarted, told once, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kameng.ops.errors import OpsError
from kameng.ops.process import RUN_MARK, Service, left_over, start
from kameng.ops.supervisor import Supervisor

# Writes its process id, then each SIGTERM it gets; ends on the first.
PATIENT = """
import os, signal, sys, time
out = open(sys.argv[1], "a", buffering=1)
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1) or out.write("term\\n"))
out.write(f"{os.getpid()}\\n")
while not told: time.sleep(0.02)
time.sleep(0.3)
"""
WITH_HELPER = """
import os, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(f"{helper.pid}")
time.sleep(60)
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path, said.append)
    yield made
    made.stop()


def _service(name: str, code: str, note: Path, **options: object) -> Service:
    command = [sys.executable, "-c", code, str(note)]
    ready = note.exists if code else (lambda: True)
    return Service(name=name, command=command, ready=ready, **options)  # type: ignore[arg-type]


def _eventually(check: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def _watch(supervisor: Supervisor, until: Callable[[], bool]) -> None:
    """Let the supervisor work on this thread, as it does in the product, until something holds."""

    def end() -> None:
        try:
            _eventually(until)
        finally:
            supervisor.on_signal(signal.SIGTERM, None)

    waiting = threading.Thread(target=end)
    waiting.start()
    supervisor.watch()
    waiting.join()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_process_is_started_again(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    note = tmp_path / "note"
    supervisor.start(_service("patient", PATIENT, note))
    os.kill(int(note.read_text()), signal.SIGKILL)
    _watch(supervisor, lambda: len(note.read_text().split()) == 2)
    assert "SIGKILL" in said[0]


def test_a_log_that_cannot_be_written_ends_nothing(supervisor: Supervisor, tmp_path: Path) -> None:
    note, log = tmp_path / "note", tmp_path / "patient.log"
    supervisor.start(_service("patient", PATIENT, note))
    log.unlink()
    log.mkdir()  # as on a full disk, opening it fails
    os.kill(int(note.read_text()), signal.SIGKILL)
    _watch(supervisor, lambda: len(note.read_text().split()) == 2)
    log.rmdir()


def test_helpers_of_a_killed_process_do_not_outlive_it(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    service = _service("master", WITH_HELPER, note)
    supervisor.start(service)
    _eventually(lambda: note.read_text().isdigit())
    helper = int(note.read_text())
    supervisor._children[0].process.kill()
    _watch(supervisor, lambda: not _alive(helper))


def test_each_process_is_told_to_stop_exactly_once(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "note"
    supervisor.start(_service("patient", PATIENT, note))
    supervisor.stop()
    assert note.read_text().count("term") == 1


def test_databases_stop_after_what_uses_them(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = textwrap.dedent("""
        import signal, sys, time
        stop = []
        signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
        open(sys.argv[1] + ".ready-" + sys.argv[2], "w").close()
        while not stop: time.sleep(0.02)
        open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
    """)
    for name in ("postgres", "web"):
        command = [sys.executable, "-c", code, str(order), name]
        ready = (tmp_path / f"order.ready-{name}").exists
        supervisor.start(Service(name=name, command=command, ready=ready))
    supervisor.stop()
    assert order.read_text().split() == ["web", "postgres"]


def test_a_process_that_ignores_the_signal_is_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    stubborn = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "open(sys.argv[1], 'w').write('here'); time.sleep(60)"
    )
    supervisor.start(_service("stubborn", stubborn, note, stop_timeout_s=0.3))
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 5


def test_a_failed_start_shows_the_last_words(supervisor: Supervisor, tmp_path: Path) -> None:
    broken = Service(
        name="broken",
        command=[sys.executable, "-c", "raise SystemExit('no such table: hope')"],
        ready=lambda: False,
    )
    with pytest.raises(OpsError, match="no such table: hope"):
        supervisor.start(broken)


def test_a_failed_step_stops_the_start(supervisor: Supervisor) -> None:
    step = Service(
        name="migrate", command=[sys.executable, "-c", "exit('bad step')"], ready=lambda: True
    )
    with pytest.raises(OpsError, match="bad step"):
        supervisor.run_step(step)


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "note"
    parent = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from kameng.ops.process import Service, start
        service = Service(name="patient", command=[sys.executable, "-c", {PATIENT!r},
                          {str(note)!r}], ready=lambda: True)
        start(service, Path({str(tmp_path / "log")!r}))
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", parent])
    _eventually(lambda: note.exists() and note.read_text().endswith("\n"))
    child = int(note.read_text().split()[0])
    process.kill()
    process.wait()
    _eventually(lambda: not _alive(child))
    assert "term" in note.read_text()


def test_processes_of_an_earlier_run_are_found_by_their_mark(tmp_path: Path) -> None:
    service = Service(
        name="sleeper",
        command=[sys.executable, "-c", "import time; time.sleep(60)"],
        ready=lambda: True,
        environ={RUN_MARK: str(tmp_path)},
    )
    process = start(service, tmp_path / "log")
    try:
        _eventually(lambda: left_over(tmp_path) == [process.pid])
        assert left_over(tmp_path / "other") == []
    finally:
        process.kill()
        process.wait()
