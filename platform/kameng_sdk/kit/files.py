"""The files of an installed distribution, and one digest over them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, EntryPoint
from importlib.util import find_spec
from pathlib import Path

LEFT_OUT = {"__pycache__"}
COMPILED = {".pyc", ".pyo"}


def packages_of(distribution: Distribution | None, entry: EntryPoint | None) -> dict[str, Path]:
    """Top-level packages and where each lies: a folder, or a single file.

    Nothing of them is imported. What a distribution installs counts, a `.pth` file with code too;
    an editable one installs only a path, so the package of its entry point stands for it.
    """
    names = _listed(distribution) or ({entry.module.partition(".")[0]} if entry else set())
    found = {name: _place(name) for name in sorted(names)}
    places = {name: place for name, place in found.items() if place is not None}
    return places | _started(distribution)


def digest_of(packages: Mapping[str, Path]) -> str:
    """SHA-256 in hex over sorted relative paths and contents; what Python compiles is left out.

    The same files give the same digest, from a wheel as from a checkout.
    """
    total = hashlib.sha256()
    for relative, path in sorted(_files(packages)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{relative}\0{content}\n".encode())
    return total.hexdigest()


def sources_of(packages: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Relative path and place of each Python file."""
    return ((name, path) for name, path in sorted(_files(packages)) if path.suffix == ".py")


def _files(packages: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    for name, place in packages.items():
        if place.is_file():
            yield place.name, place
            continue
        for path in place.rglob("*"):
            inside = path.relative_to(place)
            if path.is_file() and path.suffix not in COMPILED and not LEFT_OUT & set(inside.parts):
                yield f"{name}/{inside.as_posix()}", path


def _listed(distribution: Distribution | None) -> set[str]:
    names = set()
    for file in _own_files(distribution):
        top = Path(file.parts[0])
        if len(file.parts) > 1 and top.name.isidentifier():
            names.add(top.name)
        elif len(file.parts) == 1 and file.suffix == ".py" and file.stem.isidentifier():
            names.add(file.stem)
    return names - LEFT_OUT


def _started(distribution: Distribution | None) -> dict[str, Path]:
    """Files that run code whenever an interpreter starts."""
    found = {}
    for file in _own_files(distribution):
        if len(file.parts) == 1 and file.suffix == ".pth" and distribution is not None:
            place = Path(str(distribution.locate_file(file)))
            if place.is_file() and "import" in place.read_text(encoding="utf-8", errors="replace"):
                found[file.name] = place
    return found


def _own_files(distribution: Distribution | None) -> list[Path]:
    if distribution is None:
        return []
    files = [Path(str(file)) for file in distribution.files or ()]
    # The shims of an editable install are not the plugin.
    return [] if _is_editable(distribution) else files


def _is_editable(distribution: Distribution) -> bool:
    told = distribution.read_text("direct_url.json")
    try:
        return bool(json.loads(told or "{}")["dir_info"]["editable"])
    except (ValueError, KeyError, TypeError):
        return False


def _place(name: str) -> Path | None:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if spec.submodule_search_locations else origin
