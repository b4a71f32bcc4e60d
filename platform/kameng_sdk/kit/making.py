"""Write a new plugin from the template of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kameng_sdk.kit.files import COMPILED, LEFT_OUT
from kameng_sdk.kit.naming import Names, names_for
from kameng_sdk.manifest import PluginKind

# The one copy lies in plugins/_template of the repository; a wheel carries it beside this file.
IN_WHEEL = Path(__file__).parent / "templates"
IN_CHECKOUT = Path(__file__).parents[3] / "plugins" / "_template"
PROJECT = "pyproject.toml"
# Under another name in the template, or the checkout would install it as a plugin.
PROJECT_IN_TEMPLATE = "pyproject.toml.in"


class FolderExists(FileExistsError):
    """There is something at the place already; it is not touched."""


def make_plugin(name: str, kind: PluginKind, where: Path) -> tuple[Names, Path]:
    """A new distribution in ``where / name``; raises `BadName` and `FolderExists`."""
    names = names_for(name, kind)
    target = where / name
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise FolderExists(f"{target} exists already; choose another name or remove it") from None
    template = template_of(kind)
    for source in _files(template):
        aim = target / _renamed(source.relative_to(template), names, kind)
        aim.parent.mkdir(parents=True, exist_ok=True)
        aim.write_text(_filled(source.read_text(encoding="utf-8"), names, kind), encoding="utf-8")
    return names, target


def template_of(kind: PluginKind) -> Path:
    """The folder of the template of a kind."""
    root = IN_WHEEL if IN_WHEEL.is_dir() else IN_CHECKOUT
    return root / kind.value


def _files(template: Path) -> Iterator[Path]:
    for path in sorted(template.rglob("*")):
        parts = path.relative_to(template).parts
        kept = not any(part.startswith(".") or part in LEFT_OUT for part in parts)
        if path.is_file() and kept and path.suffix not in COMPILED:
            yield path


def _renamed(path: Path, names: Names, kind: PluginKind) -> Path:
    parts = [_filled(part, names, kind) for part in path.parts]
    parts[-1] = PROJECT if parts[-1] == PROJECT_IN_TEMPLATE else parts[-1]
    return Path(*parts)


def _filled(text: str, names: Names, kind: PluginKind) -> str:
    """The template is a plugin called ``example-<kind>``: its names give way to the new ones."""
    own = names_for(f"example-{kind.value}", kind)
    text = text.replace(own.distribution, names.distribution)
    text = text.replace(own.package, names.package)
    return text.replace(own.plugin_id, names.plugin_id)
