"""Stripe's nested forms: `line_items[0][price_data][currency]=cny` as objects and lists."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


class BadForm(ValueError):
    """A name that cannot be placed."""


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Texts stay texts: the API decides what is a number. Raises BadForm."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise BadForm(name)
        _place(root, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value)
    return {name: _with_lists(value) for name, value in root.items()}


def _place(root: dict[str, Any], path: list[str], value: str) -> None:
    here = root
    for step in path[:-1]:
        there = here.setdefault(step or str(len(here)), {})
        if not isinstance(there, dict):
            raise BadForm("[".join(path))
        here = there
    last = path[-1] or str(len(here))
    if last in here:
        raise BadForm("[".join(path))
    here[last] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(part) for name, part in value.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def flat(params: Mapping[str, Any], prefix: str = "") -> str:
    """A text that is equal exactly for equal parameters, whatever their order."""
    parts = []
    for name in sorted(params):
        value = params[name]
        inner = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(inner, dict):
            parts.append(flat({str(key): part for key, part in inner.items()}, f"{prefix}{name}."))
        else:
            parts.append(f"{prefix}{name}={value!r}")
    return "&".join(parts)
