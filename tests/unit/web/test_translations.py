"""Texts of code and templates are found for the catalogue."""

from __future__ import annotations

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


def test_catalogues_compile() -> None:
    for language in translations.LANGUAGES:
        target = translations.compile_catalogue(language)
        assert target.read_bytes()[:4] == b"\xde\x12\x04\x95"
