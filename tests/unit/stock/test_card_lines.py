"""Reading card files: formats, encodings, bad lines by number and without their text."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest
from openpyxl import Workbook

from kameng.sheets import SheetError
from kameng.stock.domain.vault import CardText
from kameng.stock.services.reading_file import read_cards

AB = [(1, CardText("N1", "S1")), (2, CardText("N2", "S2"))]


def read(data: bytes) -> list[tuple[int, CardText | str]]:
    return list(read_cards(io.BytesIO(data)))


@pytest.mark.parametrize(
    "data",
    [b"N1----S1\nN2----S2\n", b"N1----S1\r\nN2----S2", b"N1\tS1\nN2\tS2", b"N1,S1\nN2,S2,,",
     b"\xef\xbb\xbfN1----S1\nN2----S2", b'"N1","S1"\n"N2","S2"', b" N1 ---- S1 \nN2----S2"],
)  # fmt: skip
def test_S10_the_usual_formats_are_read(data: bytes) -> None:
    assert read(data) == AB


def test_a_secret_may_stand_alone() -> None:
    assert read(b"S1\nS2\n") == [(1, CardText("", "S1")), (2, CardText("", "S2"))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_headings_say_which_column_is_what(encoding: str) -> None:
    data = "序号,卡密,卡号\n1,S1,N1\n2,S2,N2\n".encode(encoding)
    assert read(data) == [(2, CardText("N1", "S1")), (3, CardText("N2", "S2"))]


def test_blank_lines_count_as_lines_but_not_as_cards() -> None:
    assert read(b"\nN1----S1\n\n  \nN2----S2\n") == [(2, AB[0][1]), (5, AB[1][1])]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"N9", "missing_secret"),
        (b"N9----", "missing_secret"),
        (b"----S9", "missing_number"),
        (b"N9----S9----X", "too_many_columns"),
        (b"N" * 200 + b"----S9", "too_long"),
        (b"N9----" + b"S" * 600, "too_long"),
        (b"N9----" + b"S" * 9_000, "too_long"),
        (b"N9----S\x00", "control_characters"),
        ("N9----S\u200b9".encode(), "invisible_characters"),
        (b"6.11E+15----S9", "scientific"),
        (b"N9----\xff\xff", "encoding"),
    ],
)
def test_S10_a_bad_line_is_named_by_number_and_reason(line: bytes, reason: str) -> None:
    found = read(b"N1----S1\nN2----S2\n" + line + b"\nN3----S3\n")
    assert found == [*AB, (3, reason), (4, CardText("N3", "S3"))]


def xlsx(rows: list[list[object]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_workbooks_are_read_with_their_long_numbers() -> None:
    data = xlsx([["卡号", "卡密"], ["N1", "S1"], [1026118831, "'S2"], [6.11e20, "S3"]])
    assert read(data) == [
        (2, CardText("N1", "S1")), (3, CardText("1026118831", "'S2")), (4, "scientific"),
    ]  # fmt: skip


def test_a_workbook_of_secrets_alone_is_read() -> None:
    assert read(xlsx([["S1"], ["S2"]])) == [(1, CardText("", "S1")), (2, CardText("", "S2"))]


@pytest.mark.parametrize(
    "data", [b"\xff\xfeN\x001\x00", b"\xd0\xcf\x11\xe0old", b"PK\x03\x04broken"]
)
def test_an_unreadable_file_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(SheetError):
        read(data)


class Endless(io.RawIOBase):
    """A stream that is larger than memory should ever hold."""

    def __init__(self, line: bytes, times: int) -> None:
        self.blocks: Iterator[bytes] = (line * 1_000 for _ in range(times))

    def read(self, _size: int = -1) -> bytes:
        return next(self.blocks, b"")


def test_S10_a_large_file_is_never_held_whole() -> None:
    stream = Endless(b"XH1026118831----7KQ4-AAAA-BBBB\n", 200)  # 6 MB
    tracemalloc.start()
    count = sum(1 for _ in read_cards(stream))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200_000
    assert peak < 3_000_000


def test_one_endless_line_does_not_fill_the_memory() -> None:
    stream = Endless(b"x" * 1_000, 20)  # 20 MB without a line end
    tracemalloc.start()
    assert list(read_cards(stream)) == [(1, "too_long")]  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000
