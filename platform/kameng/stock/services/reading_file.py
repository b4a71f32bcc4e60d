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
        detect_encoding(head)  # refuses UTF-16
        yield from _from_lines(_lines(head, stream), _encoding_of(head))


def _encoding_of(head: bytes) -> str:
    """What most lines speak: one broken line must not turn the others into gibberish."""
    telling = [line for line in head.split(b"\n") if not line.isascii()]
    # The last one may be cut in the middle of a character.
    telling = telling[:-1] or telling
    plain = sum(_is_utf8(line) for line in telling)
    return "utf-8" if 2 * plain >= len(telling) else "gb18030"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


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
    """Lines by their numbers, whichever way they end: CR LF, LF, or CR alone.

    An endless line is cut, so that it cannot fill the memory.
    """
    number, rest = 1, b""
    block = head.removeprefix(b"\xef\xbb\xbf")
    while block:
        following = stream.read(BLOCK)
        if following and block.endswith(b"\r"):  # its LF may come with the next block
            block, following = block[:-1], b"\r" + following
        pieces = (rest + block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).split(b"\n")
        rest = pieces.pop()[: MAX_LINE_BYTES + 1]
        for piece in pieces:
            yield number, piece
            number += 1
        block = following
    if rest:
        yield number, rest


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
