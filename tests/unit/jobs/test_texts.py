"""Mails: complete in both languages, and free of secrets."""

import string

import pytest

from kameng.jobs.texts import TEXTS, notice_text, yuan


@pytest.mark.parametrize("kind", list(TEXTS))
def test_both_languages_say_the_same_facts(kind):
    names = []
    for locale in ("zh_Hans_CN", "en"):
        parts = "".join(TEXTS[kind][locale])
        names.append(
            {name for _text, name, _spec, _conv in string.Formatter().parse(parts) if name}
        )
    assert names[0] == names[1]


@pytest.mark.parametrize("kind", list(TEXTS))
def test_no_mail_has_a_place_for_a_card_or_a_secret(kind):
    for locale in ("zh_Hans_CN", "en"):
        text = "".join(TEXTS[kind][locale])
        assert not any(word in text for word in ("{secret", "{card", "{code", "{password"))


def test_every_language_but_english_is_chinese():
    facts = {"station": "小鹿", "reason": "r", "link": "l"}
    assert notice_text("station.rejected", "en", **facts)[0].startswith("Your application")
    for locale in ("zh_Hans_CN", "de", ""):
        assert notice_text("station.rejected", locale, **facts)[0] == "分站「小鹿」的申请未通过"


@pytest.mark.parametrize(("amount", "shown"), [(95_5000, "95.50"), (100, "0.01"), (1_0000, "1.00")])
def test_amounts_are_written_in_fen(amount, shown):
    assert yuan(amount) == shown
