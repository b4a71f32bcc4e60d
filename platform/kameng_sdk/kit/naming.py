"""From the name somebody types to distribution, package and plugin id."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass

from kameng_sdk.manifest import PluginKind

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
LONGEST = 40
TAKEN = frozenset({"kameng", "kameng_sdk", "kameng_tenants", "kameng_admin", "tests"})


class BadName(ValueError):
    """A name no plugin can have; the text says why."""


@dataclass(frozen=True, slots=True)
class Names:
    """``demo-supplier`` of kind supplier is the plugin ``supplier-demo`` in ``demo_supplier``."""

    distribution: str
    package: str
    plugin_id: str


def names_for(name: str, kind: PluginKind) -> Names:
    """All names of a plugin; raises `BadName`."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise BadName(f"{name!r}: use words of a-z and 0-9 with hyphens, like demo-supplier")
    package = name.replace("-", "_")
    if package in TAKEN or package in sys.stdlib_module_names or keyword.iskeyword(package):
        raise BadName(f"{name!r}: Python or Kameng has a package of that name")
    words = [word for word in name.removeprefix("kameng-").split("-") if word != kind.value]
    if not words:
        raise BadName(f"{name!r} only says that it is a {kind.value}: add whose it is")
    return Names(name, package, f"{kind.value}-{'-'.join(words)}")
