"""What can be chosen on pages has a name there."""

from __future__ import annotations

from kameng.openapi.api import DIALECT_WORDS, DIALECTS, SCOPE_WORDS, SCOPES


def test_every_interface_and_every_scope_has_its_words() -> None:
    assert set(DIALECT_WORDS) == set(DIALECTS)
    assert set(SCOPE_WORDS) == set(SCOPES)


def test_no_two_interfaces_read_alike() -> None:
    assert len({str(words.name) for words in DIALECT_WORDS.values()}) == len(DIALECTS)
    assert len({str(words.note) for words in DIALECT_WORDS.values()}) == len(DIALECTS)
