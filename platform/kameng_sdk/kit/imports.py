"""What a plugin's sources import, read from their syntax: nothing is run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from kameng_sdk.kit.files import sources_of
from kameng_sdk.kit.finding import Installed

HOST = frozenset({"kameng", "kameng_tenants", "kameng_admin"})
# What comes with the SDK: simulators answer over HTTP with it.
WITH_THE_SDK = frozenset({"kameng_sdk", "werkzeug"})
PICKLERS = frozenset({"pickle", "shelve", "marshal", "dill", "cloudpickle"})
LOADERS = frozenset({"import_module", "__import__", "find_spec", "resolve_name"})


@dataclass(frozen=True, slots=True)
class Imported:
    """One import: the module's full name, and where it stands."""

    module: str
    place: str

    @property
    def top(self) -> str:
        """The top-level package."""
        return self.module.partition(".")[0]


def imports_of(plugin: Installed) -> list[Imported]:
    """Every absolute import of every file; raises `SyntaxError`."""
    found = []
    for name, path in sources_of(plugin.packages):
        tree = ast.parse(path.read_text(encoding="utf-8"), name)
        found += [Imported(module, f"{name}:{line}") for module, line in _named(tree)]
    return found


def strangers(plugin: Installed, imports: Iterable[Imported]) -> list[str]:
    """What may not be imported, in words: the host, other plugins, what is not declared."""
    others = _other_plugins(plugin)
    brought = _brought_by(plugin.requires)
    words = []
    for one in imports:
        if one.top in HOST:
            words.append(f"{one.place} imports {one.module}: the host may change, use kameng_sdk")
        elif one.top in others:
            words.append(f"{one.place} imports {one.module}, which is another plugin")
        elif not _own(plugin, one.top) and one.top not in brought:
            words.append(f"{one.place} imports {one.module}, which is not among its dependencies")
    return words


def _own(plugin: Installed, top: str) -> bool:
    return top in plugin.packages or top in WITH_THE_SDK or top in sys.stdlib_module_names


def _brought_by(requires: Iterable[str]) -> set[str]:
    """Top-level packages of these only: to list all that is installed takes half a second."""
    tops: set[str] = set()
    for name in requires:
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        tops.update((found.read_text("top_level.txt") or "").split())
        files = [path for path in found.files or () if path.suffix in (".py", ".so", ".pyd")]
        tops.update(path.parts[0].partition(".")[0] for path in files)
    return tops


def _other_plugins(plugin: Installed) -> set[str]:
    from importlib.metadata import entry_points

    tops = {point.module.partition(".")[0] for point in entry_points(group=plugin.entry.group)}
    return tops - set(plugin.packages)


def _named(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module, node.lineno
        elif isinstance(node, ast.Call):
            yield from _loaded(node)


def _loaded(call: ast.Call) -> Iterator[tuple[str, int]]:
    """`importlib.import_module("kameng.db")` and its like, when the name is written out."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if name in LOADERS and given and isinstance(given[0], ast.Constant):
        value = given[0].value
        if isinstance(value, str) and value and not value.startswith("."):
            yield value.partition(":")[0], call.lineno


def has_marker(packages: dict[str, Path]) -> bool:
    """Whether every package says by `py.typed` that its annotations count."""
    folders = [place for place in packages.values() if place.is_dir()]
    return all((place / "py.typed").is_file() for place in folders)
