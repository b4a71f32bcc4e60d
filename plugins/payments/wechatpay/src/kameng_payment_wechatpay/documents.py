"""JSON of the other side, read strictly: a name given twice or a number that is no number fails."""

import json
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
MOST_TEXT = 256


class Unreadable(ValueError):
    """The text is not what was agreed; the words name the place and hold no value."""


def read_object(text: bytes) -> dict[str, Any]:
    """One JSON object. Raises Unreadable."""
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except Unreadable:
        raise
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Unreadable("a name is given twice")
    return values


def text_of(thing: Json, name: str, most: int = MOST_TEXT) -> str:
    """A text that is there and not empty. Raises Unreadable."""
    value = thing.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise Unreadable(f"{name} is missing or no text")
    return value


def part_of(thing: Json, name: str) -> Json:
    """An object within an object. Raises Unreadable."""
    value = thing.get(name)
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is missing or no object")
    return value


def fen_of(thing: Json, name: str) -> int:
    """A whole number of fen above zero. Raises Unreadable."""
    value = thing.get(name)
    if type(value) is not int or not 0 < value < 10**12:
        raise Unreadable(f"{name} is not a positive whole number")
    return value
