"""Tables in files: CSV (UTF-8 or GBK) and XLSX, read row by row and written without formulas."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import BinaryIO

XLSX_MAGIC = b"PK\x03\x04"
MAX_UNPACKED = 120 * 1024 * 1024  # a zip bomb ends here
MAX_COLUMNS = 60
HEAD = 64 * 1024
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'", "＝", "＋", "－", "＠")

Row = tuple[int, list[str]]


class SheetError(ValueError):
    """The file cannot be read as a table; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def detect_encoding(head: bytes) -> str:
    """`utf-8-sig` or `gb18030` (which contains GBK), judged by the beginning of a file.

    Raises `SheetError("utf16")` for what spreadsheets call Unicode text.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SheetError("utf16")
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut by the end of the sample does not count.
        if error.start < len(head) - 3:
            return "gb18030"
    return "utf-8-sig"


def read_rows(stream: BinaryIO) -> Iterator[Row]:
    """Rows of an XLSX or CSV file with their numbers from 1, blank rows left out.

    Cells are text, our own guard against formulas removed. Raises `SheetError`.
    """
    data = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream
    head = data.read(HEAD)
    whole = head + data.read()
    rows = xlsx_rows(io.BytesIO(whole)) if head.startswith(XLSX_MAGIC) else _csv_rows(whole)
    return ((number, [plain_cell(cell) for cell in cells]) for number, cells in rows)


def _csv_rows(data: bytes) -> Iterator[Row]:
    encoding = detect_encoding(data[:HEAD])
    text = data.decode(encoding, errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                yield number, cells[:MAX_COLUMNS]
    except csv.Error:
        raise SheetError("csv") from None


def xlsx_rows(stream: BinaryIO) -> Iterator[Row]:
    """Rows of the first sheet of a workbook, numbers written out in full."""
    from openpyxl import load_workbook  # five megabytes that few processes ever need

    try:
        with zipfile.ZipFile(stream) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
                raise SheetError("too_big")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that do not concern us
            book = load_workbook(stream, read_only=True, data_only=True)
    except SheetError:
        raise
    except Exception:
        raise SheetError("xlsx") from None
    try:
        sheet = book.worksheets[0]
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = [cell_text(value) for value in values[:MAX_COLUMNS]]
            if any(cell.strip() for cell in cells):
                yield number, cells
    except Exception:  # the reader stumbles over a damaged sheet in many ways, row by row
        raise SheetError("xlsx") from None
    finally:
        book.close()


def cell_text(value: object) -> str:
    """A cell's value as a person reads it; whole numbers without point or exponent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if not value.time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows instead of running it (OWASP: formula injection)."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def plain_cell(text: str) -> str:
    """Undo `safe_cell`."""
    return text[1:] if text.startswith("'") else text


def write_xlsx(rows: Iterable[Sequence[str]], title: str) -> bytes:
    """A workbook with one sheet of text cells; the first row is the heading."""
    from openpyxl import Workbook  # as above

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([safe_cell(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with mark, as spreadsheets of the Chinese Windows expect it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")
