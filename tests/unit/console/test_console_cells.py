"""What goes into sheets and forms of the console, without a database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kameng_admin.base.export import csv_lines, safe_cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1+1", "－1", "|calc", "%1"]
)
def test_a_text_that_would_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert str(safe_cell(text)).startswith("'")


@pytest.mark.parametrize(
    ("value", "shown"), [(None, ""), (True, "1"), (-5, -5), ("星海 100 元", "星海 100 元")]
)
def test_numbers_and_plain_words_stay_as_they_are(value: object, shown: object) -> None:
    assert safe_cell(value) == shown


def test_control_characters_do_not_reach_the_sheet() -> None:
    assert safe_cell("a\x00\x07b") == "ab"


def test_times_are_readable() -> None:
    assert safe_cell(datetime(2026, 11, 22, 10, 42, 18, tzinfo=UTC)) == "2026-11-22 10:42:18+00:00"


def test_a_csv_begins_with_a_bom_and_quotes_commas() -> None:
    first, second = csv_lines(["列"], [["a,b"]])
    assert first == "\ufeff列\r\n"
    assert second == '"a,b"\r\n'
