"""The allow-list: which plugins may be imported, and what their files must be.

One line each: ``<plugin-id> <version> sha256:<digest>``; what follows a ``#`` is for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

from kameng.settings import SettingsError
from kameng_sdk.kit.finding import describe, installed

_LINE = re.compile(r"([a-z0-9-]+) +(\S+) +sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Allowed:
    """One plugin at one state of its files."""

    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class AllowList:
    """Versions by plugin id; several lines for one plugin allow each of them."""

    entries: Mapping[str, tuple[Allowed, ...]]

    def refusal(self, point: EntryPoint) -> str:
        """Why a plugin may not be imported, empty when it may. Nothing of it is run."""
        allowed = self.entries.get(point.name)
        if allowed is None:
            return "not on the allow-list (KAMENG_PLUGINS_ALLOW)"
        plugin = describe(point)
        if plugin.version not in {one.version for one in allowed}:
            versions = ", ".join(one.version for one in allowed)
            return f"version {plugin.version} is installed, the allow-list has {versions}"
        if Allowed(plugin.version, plugin.digest) not in allowed:
            return "its files are not those of the allow-list: they have changed since"
        return ""


def read_allow_list(path: str) -> AllowList | None:
    """The list in a file, None for an empty path; raises `SettingsError` for what is no list."""
    if not path:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"KAMENG_PLUGINS_ALLOW cannot be read: {error}") from error
    entries: dict[str, tuple[Allowed, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        match = _LINE.fullmatch(said)
        if match is None:
            raise SettingsError(f"KAMENG_PLUGINS_ALLOW, line {number}: {said!r} is no entry")
        plugin_id, version, digest = match.groups()
        entries[plugin_id] = (*entries.get(plugin_id, ()), Allowed(version, digest))
    return AllowList(entries)


def lock_lines(points: Iterable[EntryPoint] | None = None) -> list[str]:
    """The lines for what is installed now, sorted."""
    return [f"{one.id} {one.version} sha256:{one.digest}" for one in installed(points)]
