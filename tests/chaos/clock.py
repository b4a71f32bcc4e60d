"""The clock of the wall jumps for a whole installation: databases, web, worker, scheduler, simulators.

A library of a few lines (`clock.c`, built by the machine's C compiler) stands in front of the C
library's clock in every process that `kameng up` starts, and adds what a shared file says, so a jump
reaches running processes at once. Clients keep the machine's own clock. Without a compiler, or at an
installation that was started without it, nothing can jump.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NANOSECONDS = 10**9


class Clock:
    """How far ahead the installation is, in seconds; may go back."""

    def __init__(self, folder: Path) -> None:
        """`folder` must be readable by PostgreSQL's account."""
        folder.chmod(0o755)
        self.ahead_s = 0.0
        self._file = folder / "ahead"
        self._file.write_bytes(bytes(8))
        self._file.chmod(0o644)
        self._library = folder / "clock.so"

    def environ(self) -> dict[str, str]:
        """Variables to start processes with; builds the library. Empty without a compiler."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            return {}
        source = Path(__file__).with_suffix(".c")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", self._library, source, "-ldl"]
        subprocess.run(command, check=True)
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._file)}

    def jump(self, seconds: float) -> None:
        """Go so far forward, or back when negative."""
        self.ahead_s += seconds
        with self._file.open("r+b") as stream:  # in place: the processes have it mapped
            stream.write(round(self.ahead_s * NANOSECONDS).to_bytes(8, "little", signed=True))
