"""Catalogues: ``python -m kameng.web.translations`` collects all texts and compiles.

The Chinese text is the key. Every text of code and templates is put into the English catalogue,
those without a translation are counted, and ``.po`` becomes ``.mo``. With ``--compile`` nothing is
collected: an installation needs only what git does not carry.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parent.parent
LOCALES = PACKAGE / "locales"
SOURCE_ROOTS = ("platform", "tenants", "admin")
KEYWORDS = {
    "_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}  # fmt: skip
LANGUAGES = ("en",)
Text = str | tuple[str, ...]


def checkout() -> Path:
    """The folder that holds the three source roots."""
    return PACKAGE.parent.parent


def collect(root: Path | None = None) -> Catalog:
    """All texts that code and templates show."""
    found = _new_catalogue()
    for folder, place, line, text, comments, context in _texts(root or checkout()):
        found.add(
            text, None, [(f"{folder}/{place}", line)], auto_comments=comments, context=context
        )
    return found


def update(language: str) -> list[str]:
    """Bring a catalogue up to date and compile it; returns the texts without translation."""
    path = catalogue_path(language)
    catalogue = _read(path)
    # No new creation date either: collecting twice writes the same bytes.
    catalogue.update(
        collect(), no_fuzzy_matching=True, keep_user_comments=True, update_creation_date=False
    )
    catalogue.obsolete.clear()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        # File names without lines: a catalogue changes when texts do, not when code moves.
        write_po(stream, catalogue, include_lineno=False, sort_by_file=True, width=100)
    compile_catalogue(path)
    return untranslated(catalogue)


def compile_catalogue(source: Path) -> bool:
    """Write the ``.mo`` beside a ``.po`` when that is newer; returns whether it was written."""
    target = source.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return False
    draft = target.with_suffix(".mo.new")
    with draft.open("wb") as stream:
        write_mo(stream, _read(source))
    draft.replace(target)  # whole or not at all: a server may be reading it
    return True


def missing(language: str) -> list[str]:
    """Texts in use that a catalogue on disk does not translate; for the completeness test."""
    known = _read(catalogue_path(language))
    used = [(message.id, message.context) for message in collect() if message.id]
    gaps = []
    for text, context in used:
        entry = known.get(text, context)
        if entry is None or not _translated(entry.string) or entry.fuzzy:
            gaps.append(text if isinstance(text, str) else text[0])
    return sorted(gaps)


def untranslated(catalogue: Catalog) -> list[str]:
    """Texts of a catalogue whose translation is empty or doubtful."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalogue
        if message.id and (not _translated(message.string) or message.fuzzy)
    ]


def catalogue_path(language: str) -> Path:
    """Where a language's catalogue lies."""
    return LOCALES / language / "LC_MESSAGES" / "messages.po"


def main(arguments: list[str]) -> int:
    """Update and compile every language; says how much is left to translate."""
    for language in LANGUAGES:
        if arguments == ["--compile"]:
            if compile_catalogue(catalogue_path(language)):
                print(f"translations: {language} compiled")
            continue
        gaps = update(language)
        print(f"{language}: {len(gaps)} texts without translation")
    return 0


def _new_catalogue(language: str | None = None) -> Catalog:
    return Catalog(
        locale=language,
        project="Kameng",
        header_comment="# Texts of Kameng. The Chinese text is the key.",
        charset="utf-8",
        fuzzy=False,
    )


def _texts(root: Path) -> Iterator[tuple[str, str, int, Text, list[str], str | None]]:
    with (LOCALES / "babel.cfg").open(encoding="utf-8") as stream:
        methods, options = parse_mapping_cfg(stream)  # type: ignore[no-untyped-call]  # Babel is untyped here
    for folder in SOURCE_ROOTS:
        for place, line, text, comments, context in extract_from_dir(
            root / folder, methods, options, keywords=KEYWORDS
        ):
            yield folder, place, line, text, comments, context


def _read(path: Path) -> Catalog:
    """A catalogue at ``<language>/LC_MESSAGES/<name>.po``; an empty one where there is none."""
    language = path.parent.parent.name
    if not path.is_file():
        return _new_catalogue(language)
    with path.open("rb") as stream:
        return read_po(stream, locale=language)


def _translated(text: object) -> bool:
    return all(text) if isinstance(text, tuple | list) else bool(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
