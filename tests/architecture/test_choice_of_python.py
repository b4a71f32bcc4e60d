"""`make install` takes a Python that is built for speed where there is one (ADR 0034)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Python as far as the Makefile asks: too old, without venv, or slow, each by exit code.
STUB = """#!/bin/sh
case "$2" in
  *version_info*) exit {usable};;
  *enable-optimizations*) exit {slow};;
  *) exit 0;;
esac
"""


def chosen(folder: Path, stubs: dict[str, tuple[int, int]]) -> str:
    """What the Makefile takes when these are first on the path; (unusable, slow) by name."""
    for name, (unusable, slow) in stubs.items():
        stub = folder / name
        stub.write_text(STUB.format(usable=unusable, slow=slow))
        stub.chmod(0o755)
    make = shutil.which("make")
    assert make
    ran = subprocess.run(
        [make, "-s", "-C", str(ROOT), "--eval", "choice: ; @echo $(PYTHON)", "choice"],
        env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ran.stdout.split()[-1]


def system_python_is_quick() -> bool:
    python = Path("/usr/bin/python3")
    return python.exists() and os.path.getsize(python.resolve()) >= 2_000_000


def test_the_usual_one_is_taken_when_it_is_quick(tmp_path: Path) -> None:
    assert chosen(tmp_path, {"python3": (0, 0), "python3.14": (0, 0)}) == "python3"


def test_a_quick_one_goes_before_the_usual_one(tmp_path: Path) -> None:
    found = chosen(tmp_path, {"python3": (0, 1), "python3.14": (0, 0)})
    assert found == ("/usr/bin/python3" if system_python_is_quick() else "python3.14")


def test_one_that_cannot_be_used_is_passed_over_however_quick(tmp_path: Path) -> None:
    found = chosen(tmp_path, {"python3": (1, 0), "python3.14": (0, 0)})
    assert found == ("/usr/bin/python3" if system_python_is_quick() else "python3.14")


@pytest.mark.skipif(system_python_is_quick(), reason="the system's Python is quick")
def test_a_slow_one_will_do_when_there_is_no_other(tmp_path: Path) -> None:
    slow = dict.fromkeys(
        ("python3", "python3.14", "python3.13", "python3.12", "python3.11"), (0, 1)
    )
    assert chosen(tmp_path, slow) == "python3"
