"""Compile message catalogues: ``python -m kameng.ops.translations``. Only what has changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from kameng.ops.home import CHECKOUT

ROOTS = ("platform", "tenants", "admin", "plugins")


def catalogues(root: Path = CHECKOUT) -> Iterator[Path]:
    """All ``.po`` files of the product."""
    for name in ROOTS:
        for path in sorted((root / name).rglob("*.po")):
            if "node_modules" not in path.parts:
                yield path


def compile_catalogue(source: Path) -> bool:
    """Write the ``.mo`` beside a ``.po`` when that is newer; returns whether it was written."""
    target = source.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return False
    with source.open("rb") as stream:
        catalogue = read_po(stream, locale=source.parent.parent.name)
    draft = target.with_suffix(".mo.new")
    with draft.open("wb") as stream:
        write_mo(stream, catalogue)
    draft.replace(target)
    return True


def main() -> int:
    """Compile what has changed."""
    written = [path for path in catalogues() if compile_catalogue(path)]
    if written:
        print(f"translations: {len(written)} compiled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
