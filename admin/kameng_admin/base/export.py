"""Sheets for spreadsheet programs: no cell may become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


def safe_cell(value: Any) -> Any:
    """A value that a spreadsheet shows as it is (OWASP: CSV injection; ASVS 1.2.10).

    Numbers stay numbers; text that would start a formula gets an apostrophe in front.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    text = "".join(sign for sign in str(value) if sign in "\t\n\r" or ord(sign) >= 32)
    return f"'{text}" if text.lstrip(" ").startswith(_TRIGGERS) else text


def csv_lines(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The sheet as CSV, a chunk a row; begins with a BOM because Excel needs it for Chinese."""
    yield "\ufeff" + _line(header)
    for row in rows:
        yield _line(row)


def _line(row: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([safe_cell(value) for value in row])
    return buffer.getvalue()


def xlsx_bytes(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> bytes:
    """The sheet as XLSX; text is stored as text, never as a formula."""
    from openpyxl import Workbook  # five megabytes that few processes ever need

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (header, *rows):
        sheet.append([_typed(sheet, safe_cell(value)) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _typed(sheet: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"  # openpyxl would turn "=…" into a formula
    return cell
