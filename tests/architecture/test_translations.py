"""English says everything that Chinese says, with the same placeholders."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from kameng.web import translations

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|</?\w[^>]*>")
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
# A discount and a number sold are counted otherwise in English; `wording.py` hands over both.
OWN_NUMBERS = {
    "%(n)s 折": ["%%", "%(off)s"],
    "已售 %(n)s万": ["%(k)s"],
}


@pytest.fixture(scope="module", params=translations.LANGUAGES)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    path = translations.catalogue_path(request.param)
    with path.open("rb") as stream:
        return read_po(stream, locale=request.param, abort_invalid=True)


def _strings(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, tuple | list) else [str(value)]


def _texts(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


@pytest.fixture(scope="module")
def collected() -> Catalog:
    """All texts of the sources, once: collecting takes seconds."""
    return translations.collect()


def test_every_text_of_code_and_templates_is_translated(
    collected: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translations, "collect", lambda: collected)
    gaps = {language: translations.missing(language) for language in translations.LANGUAGES}
    assert gaps == {language: [] for language in translations.LANGUAGES}


def test_the_catalogue_is_complete_and_certain(catalogue: Catalog) -> None:
    texts = _texts(catalogue)
    assert len(texts) > 1000
    assert translations.untranslated(catalogue) == []
    assert [message.id for message in texts if message.fuzzy] == []
    assert list(catalogue.obsolete) == []


def test_placeholders_and_markup_are_those_of_the_chinese_text(catalogue: Catalog) -> None:
    wrong = []
    for message in _texts(catalogue):
        source = _strings(message.id)[0]
        wanted = OWN_NUMBERS.get(source, sorted(PLACEHOLDER.findall(source)))
        for text in _strings(message.string):
            if sorted(PLACEHOLDER.findall(text)) != wanted:
                wrong.append((source, text))
    assert wrong == []


def test_english_texts_are_english_and_calm(catalogue: Catalog) -> None:
    texts = [(message.id, text) for message in catalogue for text in _strings(message.string)]
    assert [pair for pair in texts if pair[0] and CHINESE.search(pair[1])] == []
    assert [pair for pair in texts if pair[0] and "!" in pair[1]] == []


def test_the_file_names_no_machine_and_no_lines(catalogue: Catalog) -> None:
    places = {place for message in catalogue for place, _ in message.locations}
    roots = tuple(f"{root}/" for root in translations.SOURCE_ROOTS)
    assert [place for place in places if not place.startswith(roots)] == []
    assert {line for message in catalogue for _, line in message.locations} <= {None}


def test_collecting_again_writes_the_same_bytes(
    collected: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(translations, "collect", lambda: collected)
    for language in translations.LANGUAGES:
        copy = tmp_path / language / "LC_MESSAGES" / "messages.po"
        copy.parent.mkdir(parents=True)
        copy.write_bytes(translations.catalogue_path(language).read_bytes())
        with monkeypatch.context() as patch:
            patch.setattr(translations, "catalogue_path", lambda _, path=copy: path)
            assert translations.update(language) == []
            first = copy.read_bytes()
            translations.update(language)
        assert copy.read_bytes() == first
