"""Find an installed plugin by its id, its distribution's name, or the name it was made with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path

from kameng_sdk.kit.files import digest_of, packages_of

GROUP = "kameng.plugins"
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A plugin as it lies on this machine; nothing of it is imported.

    ``requires`` are the names of the distributions it declares, normalised.
    """

    entry: EntryPoint
    packages: Mapping[str, Path]
    distribution: str = ""
    version: str = ""
    summary: str = ""
    requires: frozenset[str] = field(default_factory=frozenset)

    @property
    def id(self) -> str:
        """The entry point's name."""
        return self.entry.name

    @property
    def digest(self) -> str:
        """SHA-256 over its files, now."""
        return digest_of(self.packages)


def installed(points: Iterable[EntryPoint] | None = None) -> list[Installed]:
    """Every plugin that is installed here, sorted by id."""
    found = entry_points(group=GROUP) if points is None else points
    return [describe(point) for point in sorted(found, key=lambda p: (p.name, p.value))]


def find(name: str) -> Installed | None:
    """The plugin somebody means: plugin id, distribution or package; None when there is none."""
    wanted = normal(name)
    for point in entry_points(group=GROUP):
        called = {point.name, point.module.partition(".")[0]}
        if point.dist is not None:
            called.add(point.dist.name)
        if wanted in {normal(word) for word in called}:
            return describe(point)
    return None


def describe(point: EntryPoint) -> Installed:
    """What the metadata says about the plugin behind an entry point."""
    distribution = point.dist
    packages = packages_of(distribution, point)
    if distribution is None:
        return Installed(entry=point, packages=packages)
    return Installed(
        entry=point,
        packages=packages,
        distribution=distribution.name,
        version=distribution.version,
        summary=distribution.metadata["Summary"] or "",
        requires=_requires(distribution),
    )


def normal(name: str) -> str:
    """A distribution's name as the packaging rules compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requires(distribution: Distribution) -> frozenset[str]:
    lines = distribution.requires or ()
    matches = (_REQUIREMENT.match(line) for line in lines)
    return frozenset(normal(match.group()) for match in matches if match)
