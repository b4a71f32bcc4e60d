"""The public surface of the SDK as text: what a plugin may rely on, line by line.

`python tests/contracts/api.py` writes it down anew, into the file of the SDK's own version.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from kameng_sdk.manifest import API_VERSION

HERE = Path(__file__).parent
# What plugins import. Simulation and testing serve demo and tests; they may change with a note.
MODULES = (
    "config", "context", "errors", "health", "hookspecs", "manifest", "money", "outcomes",
    "payments", "risk", "secrets", "simulators", "suppliers", "webhooks",
)  # fmt: skip


def recorded() -> Path:
    """The file of this version's surface."""
    return HERE / f"api_{API_VERSION.major}_{API_VERSION.minor}.txt"


def surface() -> str:
    """One line for each name, member, field and method, sorted within what it belongs to."""
    lines = [f"API {API_VERSION}"]
    for name in MODULES:
        module = importlib.import_module(f"kameng_sdk.{name}")
        lines.append(f"\n[{name}]")
        for public, value in sorted(_public(module)):
            lines += _described(public, value)
    return "\n".join(lines) + "\n"


def _public(module: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        own = getattr(value, "__module__", module.__name__) == module.__name__
        plain = not inspect.ismodule(value) and not repr(value).startswith("typing.")
        if not name.startswith("_") and own and plain and name != "annotations":
            yield name, value


def _described(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)})"
        yield from (f"  {line}" for line in sorted(_members(value)))
    elif inspect.isfunction(value):
        yield f"def {name}{_signature(value)}"
    else:
        yield f"{name} = {_plain(value)}"


def _members(kind: type) -> Iterator[str]:
    if issubclass(kind, Enum):
        yield from (f"{member.name} = {member.value!r}" for member in kind)
        return
    if is_dataclass(kind):
        yield from (_field(one) for one in fields(kind))
    known = {one.name for one in fields(kind)} if is_dataclass(kind) else set()
    for name, value in vars(kind).items():
        if name == "__init__" and not is_dataclass(kind) and not getattr(kind, "_is_protocol", 0):
            yield f"__init__{_signature(value)}"
        elif not name.startswith("_") and name not in known:
            yield from _member(name, value)


def _member(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, property):
        assert value.fget is not None
        yield f"property {name}{_signature(value.fget)}"
    elif isinstance(value, classmethod | staticmethod):
        yield f"{type(value).__name__} {name}{_signature(value.__func__)}"
    elif inspect.isfunction(value):
        yield f"def {name}{_signature(value)}"
    elif not inspect.ismemberdescriptor(value):
        yield f"{name} = {_plain(value)}"


def _field(one: Field[Any]) -> str:
    default = ""
    if one.default is not MISSING:
        default = f" = {_plain(one.default)}"
    elif one.default_factory is not MISSING:
        default = f" = {one.default_factory.__name__}()"
    only = "" if not one.kw_only else "*, "
    return f"{only}{one.name}: {one.type}{default}"


def _signature(function: Any) -> str:
    # Annotations are kept as text; it is shown without its quotes, defaults with theirs.
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(function)))


def _plain(value: Any) -> str:
    """A value as text that is the same in every run."""
    if isinstance(value, frozenset | set):
        return f"{{{', '.join(sorted(map(repr, value)))}}}"
    text = repr(value)
    return text if " at 0x" not in text else type(value).__name__


if __name__ == "__main__":
    recorded().write_text(surface(), encoding="utf-8")
    sys.stdout.write(f"{recorded().name} written\n")
