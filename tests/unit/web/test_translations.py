"""Texts of code and templates are found for the catalogue."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

from kameng.web import translations


def test_texts_of_code_and_templates_are_collected(tmp_path: Path) -> None:
    for name in translations.SOURCE_ROOTS:
        (tmp_path / name / "templates").mkdir(parents=True)
    code = "from x import _, _l, ngettext\nA = _l('你好')\nB = _('订单 %(no)s', no=1)\n"
    (tmp_path / "platform" / "a.py").write_text(code, encoding="utf-8")
    page = "<p>{{ _('付款') }}</p>{% if x %}{{ _('退款 %(n)s 元', n=1) }}{% endif %}"
    (tmp_path / "tenants" / "templates" / "a.html").write_text(page, encoding="utf-8")
    found = {message.id for message in translations.collect(tmp_path) if message.id}
    assert found == {"你好", "订单 %(no)s", "付款", "退款 %(n)s 元"}


def test_a_catalogue_is_compiled_when_it_is_newer(tmp_path: Path) -> None:
    source = tmp_path / "en" / "LC_MESSAGES" / "messages.po"
    source.parent.mkdir(parents=True)
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "余额"\nmsgstr "Balance"\n',
        encoding="utf-8",
    )
    assert translations.compile_catalogue(source)
    assert not translations.compile_catalogue(source)
    with source.with_suffix(".mo").open("rb") as stream:
        assert gettext.GNUTranslations(stream).gettext("余额") == "Balance"
    later = source.with_suffix(".mo").stat().st_mtime + 1
    os.utime(source, (later, later))
    assert translations.compile_catalogue(source)
