"""Reading cards from lines: `number----secret`, tabs, commas, or the secret alone.

A refused line yields a reason code and nothing of its text.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kameng.stock.domain.vault import CardText

MAX_LINE_BYTES = 4_096
MAX_NUMBER = 128
MAX_SECRET = 512
SEPARATORS = ("----", "\t", ",")
SAMPLE_LINES = 50

REASONS = (
    "missing_secret", "missing_number", "too_many_columns", "too_long", "control_characters",
    "invisible_characters", "scientific", "encoding",
)  # fmt: skip

_NUMBER_HEADINGS = {"卡号", "账号", "帐号", "number", "card", "card_no", "cardno", "card number"}
_SECRET_HEADINGS = {
    "卡密", "密码", "卡密码", "兑换码", "激活码", "secret", "password", "code", "key", "pin",
}  # fmt: skip
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+\d+")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file writes its cards: separator, and columns by position when it has a heading."""

    separator: str = ""
    number_at: int | None = None
    secret_at: int | None = None
    has_heading: bool = False


def detect_layout(sample: Sequence[str]) -> Layout:
    """Judge by the first lines: the separator that most of them have, and a heading."""
    lines = [line for line in sample if line.strip()][:SAMPLE_LINES]
    separator = next(
        (mark for mark in SEPARATORS if 2 * sum(mark in line for line in lines) > len(lines)), ""
    )
    cells = split_line(lines[0], separator) if lines else []
    return with_heading(separator, cells)


def with_heading(separator: str, first_row: Sequence[str]) -> Layout:
    """The layout, its columns taken from the first row if that is a heading."""
    words = [cell.strip().strip("\ufeff").lower() for cell in first_row]
    number_at = next((at for at, word in enumerate(words) if word in _NUMBER_HEADINGS), None)
    secret_at = next((at for at, word in enumerate(words) if word in _SECRET_HEADINGS), None)
    if secret_at is None:
        return Layout(separator)
    return Layout(separator, number_at, secret_at, has_heading=True)


def split_line(line: str, separator: str) -> list[str]:
    """The cells of a line; quotes count only in comma-separated lines."""
    if not separator:
        return [line]
    if separator == "," and '"' in line:
        try:
            return next(csv.reader([line]), [])
        except csv.Error:
            return [line]
    return line.split(separator)


def read_card(cells: Sequence[str], layout: Layout) -> CardText | str:
    """The card of a row, or the reason why there is none."""
    parts = [cell.strip() for cell in cells]
    if layout.has_heading:
        card = _by_heading(parts, layout)
    else:
        while len(parts) > 2 and not parts[-1]:
            parts.pop()
        if len(parts) > 2:
            return "too_many_columns"
        if not layout.separator and len(parts) == 1:
            card = CardText("", parts[0])
        elif len(parts) == 1:
            return "missing_secret"
        else:
            card = CardText(parts[0], parts[1])
            if not card.number:
                return "missing_number"
    if not card.secret:
        return "missing_secret"
    return text_problem(card) or card


def sheet_layout(rows: Iterable[Sequence[str]]) -> Layout:
    """The layout of a sheet: two columns if most rows have two, else the secret alone."""
    sample = list(rows)[:SAMPLE_LINES]
    wide = sum(len([cell for cell in row if cell.strip()]) > 1 for row in sample)
    return with_heading("\t" if 2 * wide > len(sample) else "", sample[0] if sample else ())


def _by_heading(parts: Sequence[str], layout: Layout) -> CardText:
    def cell(at: int | None) -> str:
        return parts[at] if at is not None and at < len(parts) else ""

    return CardText(cell(layout.number_at), cell(layout.secret_at))


def text_problem(card: CardText) -> str:
    number, secret = card
    if len(number) > MAX_NUMBER or len(secret) > MAX_SECRET:
        return "too_long"
    if not (number.isprintable() and secret.isprintable()):
        kinds = {unicodedata.category(char) for char in number + secret}
        return "invisible_characters" if "Cf" in kinds else "control_characters"
    # A spreadsheet has turned a long number into 6.11E+15: its last digits are lost.
    if _SCIENTIFIC.fullmatch(number) or _SCIENTIFIC.fullmatch(secret):
        return "scientific"
    return ""
