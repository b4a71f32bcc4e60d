"""`kameng doctor`: what is wrong on this machine, in words, with the way out."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from kameng.ops import servers
from kameng.ops.doctor_database import clock_difference_s, migration_state, missing_roles
from kameng.ops.errors import OpsError
from kameng.ops.home import Home, find_home
from kameng.ops.ports import check_port
from kameng.ops.runtime import effective_environment, effective_settings, running_environment
from kameng.settings import Settings, SettingsError
from kameng.web.assets_manifest import assets_built

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DISK_AT_LEAST_GB = 2
CLOCK_TOLERANCE_S = 2
NEWEST_TESTED = (3, 14)


class Level(Enum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    level: Level
    subject: str
    words: str
    remedy: str = ""

    def lines(self) -> str:
        """The finding for the terminal."""
        mark = {Level.OK: "ok  ", Level.WARN: "warn", Level.BAD: "BAD "}[self.level]
        remedy = f"\n        → {self.remedy}" if self.remedy else ""
        return f"{mark}  {self.subject}: {self.words}{remedy}"


def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Look at everything; never raises, and changes nothing."""
    home = find_home(environ)
    found = [_python(), _system(), _folder(home), _disk(home), _assets(), _browser()]
    try:
        settings = effective_settings(environ)
    except SettingsError as error:
        if not running_environment(home) and "KAMENG_DATABASE_URL" not in environ:
            words = "nothing is set up yet: `kameng up` makes secrets and servers by itself"
            return [*found, Finding(Level.WARN, "settings", words)]
        return [*found, Finding(Level.BAD, "settings", str(error), "Set the variable named.")]
    found.append(_secrets(home, environ, settings))
    found += _ports(home, settings)
    return found + _servers(settings)


def exit_code(findings: list[Finding]) -> int:
    """0 unless something is bad."""
    return int(any(finding.level is Level.BAD for finding in findings))


def _python() -> Finding:
    # An older one never gets this far: pip refuses it. A newer one deserves a word.
    words = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] > NEWEST_TESTED:
        return Finding(Level.WARN, "Python", f"{words}: newer than any that was tested")
    return Finding(Level.OK, "Python", words)


def _system() -> Finding:
    words = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if platform.system() != "Linux":
        return Finding(Level.WARN, "system", words, "Only Linux is tested for running a station.")
    return Finding(Level.OK, "system", words)


def _folder(home: Home) -> Finding:
    nearest = next(path for path in (home.root, *home.root.parents) if path.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        return Finding(Level.OK, "state folder", str(home.root))
    remedy = "Run as its owner, or choose another one with KAMENG_HOME."
    return Finding(Level.BAD, "state folder", f"{nearest} cannot be written", remedy)


def _disk(home: Home) -> Finding:
    nearest = next(path for path in (home.root, *home.root.parents) if path.exists())
    free_gb = shutil.disk_usage(nearest).free / 1e9
    if free_gb < DISK_AT_LEAST_GB:
        remedy = "PostgreSQL stops when the disk is full: make room, or move KAMENG_HOME."
        return Finding(Level.BAD, "disk", f"only {free_gb:.1f} GB free", remedy)
    return Finding(Level.OK, "disk", f"{free_gb:.0f} GB free")


def _assets() -> Finding:
    if assets_built():
        return Finding(Level.OK, "assets", "built")
    return Finding(Level.BAD, "assets", "not built: pages have no style", "Run `make install`.")


def _browser() -> Finding:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        return Finding(Level.OK, "browser", found)
    remedy = "Only browser tests need it (Debian: apt install chromium fonts-noto-cjk)."
    return Finding(Level.WARN, "browser", "no Chromium found", remedy)


def _secrets(home: Home, environ: Mapping[str, str], settings: Settings) -> Finding:
    loose = [
        path for path in (home.secrets.iterdir() if home.secrets.is_dir() else ())
        if path.stat().st_mode & 0o077
    ]  # fmt: skip
    if loose:
        words = f"{loose[0]} can be read by others"
        return Finding(Level.BAD, "secrets", words, f"chmod 600 {loose[0]}, and rotate it.")
    if not settings.master_key:
        return Finding(Level.BAD, "secrets", "no master key", "Set KAMENG_MASTER_KEY.")
    source = effective_environment(home, environ).get("KAMENG_MASTER_KEY_FILE", "environment")
    return Finding(Level.OK, "secrets", f"set ({Path(source).parent if '/' in source else source})")


def _ports(home: Home, settings: Settings) -> list[Finding]:
    if running_environment(home):
        return [Finding(Level.OK, "ports", f"Kameng runs on {settings.bind}:{settings.port}")]
    wanted = [(settings.port, "web")] + ([(settings.port + 1, "simulators")] * settings.demo)
    return [_try(f"port {port}", lambda p=port, w=why: _free(settings.bind, p, w))  # type: ignore[misc]  # bound early by defaults
            for port, why in wanted]  # fmt: skip


def _free(bind: str, port: int, why: str) -> str:
    check_port(bind, port, why)
    return "free"


def _servers(settings: Settings) -> list[Finding]:
    if not settings.database_url or not settings.redis_url:
        words = "the embedded servers are not running"
        return [Finding(Level.WARN, "servers", words, "`kameng up` starts them.")]
    database = _try("PostgreSQL", lambda: servers.check_postgres(settings.database_url))
    found = [database, _try("Redis", lambda: servers.check_redis(settings.redis_url))]
    if database.level is Level.OK:
        found += [_roles(settings), _migrations(settings), _clock(settings)]
    return found


def _try(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(Level.OK, subject, look())
    except OpsError as error:
        return Finding(Level.BAD, subject, error.message, error.remedy)


def _roles(settings: Settings) -> Finding:
    missing = missing_roles(settings)
    if missing:
        return Finding(
            Level.BAD, "roles", f"missing: {', '.join(missing)}", "Run `kameng migrate`."
        )
    return Finding(Level.OK, "roles", "all there")


def _migrations(settings: Settings) -> Finding:
    current, head = migration_state(settings)
    if current != head:
        words = f"database is at {current or 'nothing'}, the program needs {head}"
        return Finding(Level.BAD, "migrations", words, "Run `kameng migrate`.")
    return Finding(Level.OK, "migrations", f"at {head}")


def _clock(settings: Settings) -> Finding:
    difference = clock_difference_s(settings, time.time)
    if abs(difference) > CLOCK_TOLERANCE_S:
        words = f"{difference:+.1f} s off the database's"
        remedy = "Switch time synchronisation (NTP) on: signatures expire by the clock."
        return Finding(Level.BAD, "clock", words, remedy)
    return Finding(Level.OK, "clock", "agrees with the database's")
