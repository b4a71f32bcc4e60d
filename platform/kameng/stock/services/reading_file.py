"""From an uploaded file to cards, line by line; the file is never held whole unless it is XLSX."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from kameng.sheets import XLSX_MAGIC, SheetError, detect_encoding, xlsx_rows
from kameng.stock.domain.lines import (
    MAX_LINE_BYTES,
    SAMPLE_LINES,
    Layout,
    detect_layout,
    read_card,
    sheet_layout,
    split_line,
)
from kameng.stock.domain.vault import CardText

BLOCK = 256 * 1024
XLS_MAGIC = b"\xd0\xcf\x11\xe0"

Found = tuple[int, CardText | str]  # line number from 1, and the card or the reason for none


def read_cards(stream: BinaryIO) -> Iterator[Found]:
    """Every line that is not blank, as a card or a reason; raises `SheetError` for a bad file."""
    head = _read_block(stream)
    if head.startswith(XLSX_MAGIC):
        yield from _from_sheet(io.BytesIO(head + stream.read()))
    elif head.startswith(XLS_MAGIC):
        raise SheetError("xls")
    else:
        encoding = detect_encoding(head).removesuffix("-sig")  # _lines takes the mark away
        yield from _from_lines(_lines(head, stream), encoding)


def _from_lines(lines: Iterator[tuple[int, bytes]], encoding: str) -> Iterator[Found]:
    decoded = ((number, *_decode(raw, encoding)) for number, raw in lines)
    sample = list(islice(decoded, SAMPLE_LINES))
    layout = detect_layout([text for _, text, _ in sample])
    skip = layout.has_heading
    for number, text, reason in chain(sample, decoded):
        if reason:
            yield number, reason
        elif not text.strip():
            continue
        elif skip:
            skip = False
        else:
            yield number, read_card(split_line(text, layout.separator), layout)


def _from_sheet(stream: BinaryIO) -> Iterator[Found]:
    rows = xlsx_rows(stream)
    sample = list(islice(rows, SAMPLE_LINES))
    layout: Layout = sheet_layout([cells for _, cells in sample])
    all_rows = chain(sample, rows)
    if layout.has_heading:
        next(all_rows, None)
    for number, cells in all_rows:
        yield number, read_card(_trimmed(cells), layout)


def _trimmed(cells: list[str]) -> list[str]:
    while len(cells) > 1 and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _lines(head: bytes, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines by their numbers. An endless line is cut, so that it cannot fill the memory."""
    number, rest = 1, b""
    block = head.removeprefix(b"\xef\xbb\xbf")
    while block:
        pieces = (rest + block).split(b"\n")
        rest = pieces.pop()[: MAX_LINE_BYTES + 1]
        for piece in pieces:
            yield number, piece.rstrip(b"\r")
            number += 1
        block = stream.read(BLOCK)
    if rest:
        yield number, rest.rstrip(b"\r")


def _decode(raw: bytes, encoding: str) -> tuple[str, str]:
    """The text of a line, or the reason why it cannot be read."""
    if len(raw) > MAX_LINE_BYTES:
        return "", "too_long"
    for name in dict.fromkeys((encoding, "utf-8", "gb18030")):
        try:
            return raw.decode(name), ""
        except UnicodeDecodeError:
            continue
    return "", "encoding"


def _read_block(stream: BinaryIO) -> bytes:
    """A full first block, even from a stream that answers in small pieces."""
    parts: list[bytes] = []
    size = 0
    while size < BLOCK:
        part = stream.read(BLOCK - size)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)
