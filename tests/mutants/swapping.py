"""A mutant of Python in a process that has imported the file: its functions get the code of another text."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from types import CodeType, FunctionType

LAMBDA = "<lambda>"  # many have this one name
IS_CALLED = 0x1  # a function; a class or a file has run already
Codes = dict[str, CodeType]  # qualified name → code


def can_swap(path: Path, old: str, new: str) -> bool:
    """Whether only functions differ: what the file itself does was done when it was imported."""
    before = _whole(path, old)
    return before is not None and before == _whole(path, new)


def rewrite(path: Path, text: str) -> None:
    """The file has this text now, and so have its functions that are alive."""
    kept = path.stat()
    path.write_text(text, encoding="utf-8")
    os.utime(path, (time.time(), kept.st_mtime + 10))
    codes: Codes = {}
    _collect(compile(text, str(path), "exec"), codes)
    for found in gc.get_objects():
        if isinstance(found, FunctionType) and found.__code__.co_filename == str(path):
            code = codes.get(found.__code__.co_qualname)
            if code is not None and code.co_freevars == found.__code__.co_freevars:
                found.__code__ = code


def _collect(code: CodeType, codes: Codes) -> None:
    for inner in _inside(code):
        if inner.co_name != LAMBDA:
            codes[inner.co_qualname] = inner
        _collect(inner, codes)


def _inside(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _whole(path: Path, text: str) -> object:
    """All that is no named function; None when two of its functions have one name."""
    names: list[str] = []

    def said(code: CodeType) -> object:
        inner = _inside(code)
        names.extend(one.co_qualname for one in inner if not one.co_name.startswith("<"))
        own = tuple(repr(c) for c in code.co_consts if not isinstance(c, CodeType))
        below = [(one.co_qualname, one.co_freevars, said(one)) for one in inner]
        called = code.co_flags & IS_CALLED and code.co_name != LAMBDA
        return None if called else (code.co_code, code.co_names, own), below

    found = said(compile(text, str(path), "exec"))
    return found if len(set(names)) == len(names) else None
