"""The plan keeps its promises for any seed, and the faults that need the machine do what they say."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from .clock import Clock
from .disk import LogDisk
from .faults import CATALOGUE, Step, plan


def _counts(steps: list[Step]) -> Counter[str]:
    return Counter(step.fault.name for step in steps)


@pytest.mark.parametrize("seed", range(20))
def test_the_long_run_kills_fifty_processes_and_stops_the_database_ten_times(seed: int) -> None:
    steps = plan(1800, random.Random(seed), CATALOGUE)
    kills = sum(step.fault.kills for step in steps)
    assert kills >= 90
    assert _counts(steps)["PostgreSQL immediate stop"] >= 14


@pytest.mark.parametrize("seconds", [30, 60, 1800])
def test_every_fault_comes_and_ends_in_time(seconds: int) -> None:
    steps = plan(seconds, random.Random(7), CATALOGUE)
    assert set(_counts(steps)) == {fault.name for fault in CATALOGUE}
    assert all(step.at_s > 0 and step.at_s + step.fault.lasts_s < seconds for step in steps)


def test_the_same_seed_plans_the_same() -> None:
    first, again, other = (plan(60, random.Random(seed), CATALOGUE) for seed in (3, 3, 4))
    assert first == again != other


def test_a_running_process_sees_its_clock_jump(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    environ = clock.environ()
    if not environ:
        pytest.skip("no C compiler here")
    code = "import time, sys\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        found = []
        for jump in (0, 600, -700):
            clock.jump(jump)
            process.stdin.write("\n")
            process.stdin.flush()
            wall, monotonic = map(float, process.stdout.readline().split())
            found.append(round((wall - time.time()) / 10) * 10)
            assert abs(monotonic - time.monotonic()) < 5
    assert found == [0, 600, -100]


def test_links_to_a_full_device_refuse_every_byte_and_the_logs_come_back(tmp_path: Path) -> None:
    killed: list[str] = []

    def kill(service: str) -> int:
        killed.append(service)
        return 1

    disk = LogDisk(tmp_path, own=False, kill=kill)
    for name in ("web", "worker", "scheduler"):
        (tmp_path / f"{name}.log").write_text("before\n")
    assert (disk.is_full(), disk.fill(), disk.is_full()) == (False, 3, True)
    assert (disk.free(), disk.is_full(), len(killed)) == (3, False, 6)
    assert (tmp_path / "web.log").read_text().startswith("before\n")
