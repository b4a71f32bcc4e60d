"""Whether a value is of the very types that the SDK's annotations promise."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

MOST = 20  # of a long list, so many are looked at


def misfits(value: object, promised: Any, where: str = "") -> Iterator[str]:
    """Each place where something else stands than was promised, in words.

    The very type is wanted: a class derived from the SDK's would answer with its own code.
    """
    origin, arguments = get_origin(promised), get_args(promised)
    if origin in (Union, types.UnionType):
        if not any(not list(misfits(value, one, where)) for one in arguments):
            yield _words(value, promised, where)
    elif origin in (Sequence, tuple):
        yield from _list(value, promised, arguments, where)
    elif origin is Mapping:
        if type(value) is not dict:
            yield _words(value, promised, where)
    elif type(value) is not promised and not _same_family(value, promised):
        yield _words(value, promised, where)
    elif isinstance(promised, type) and is_dataclass(promised):
        for name, hint in _hints(promised).items():
            yield from misfits(getattr(value, name), hint, f"{where}.{name}")


def _same_family(value: object, promised: Any) -> bool:
    # Members of an enum and times with a zone may be of the class itself or below it.
    family = isinstance(promised, type) and issubclass(promised, Enum | datetime)
    return family and isinstance(value, promised)


def _list(value: object, promised: Any, arguments: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list | tuple) or type(value) not in (list, tuple):
        yield _words(value, promised, where)
        return
    for number, piece in enumerate(value[:MOST]):
        yield from misfits(piece, arguments[0], f"{where}[{number}]")


def _words(value: object, promised: Any, where: str) -> str:
    wanted = getattr(promised, "__name__", None) if isinstance(promised, type) else str(promised)
    return f"{where or 'the answer'} is {type(value).__name__}, not {wanted}"


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
