"""Card files as the world sends them: damaged workbooks, mixed line ends, a broken line."""

from __future__ import annotations

import io
import zipfile

import pytest
from openpyxl import Workbook

from kameng.sheets import SheetError
from kameng.stock.domain.vault import CardText
from kameng.stock.services.reading_file import read_cards


def read(data: bytes) -> list[tuple[int, CardText | str]]:
    return list(read_cards(io.BytesIO(data)))


def test_old_line_ends_are_line_ends() -> None:
    found = read(b"N1----S1\rN2----S2\r")
    assert found == [(1, CardText("N1", "S1")), (2, CardText("N2", "S2"))]


def xlsx(rows: list[list[object]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_line_ends_may_be_mixed_and_cut_anywhere() -> None:
    lines = b"".join(
        b"N%d----S%d" % (n, n) + end for n, end in enumerate([b"\r\n", b"\r", b"\n"] * 9)
    )
    for size in range(1, 40):
        head = io.BytesIO(b"#" * (256 * 1024 - size - 1) + b"\n" + lines)
        found = [card for _number, card in read_cards(head)]
        assert found[1:] == [CardText(f"N{n}", f"S{n}") for n in range(27)]


def test_one_broken_line_does_not_turn_the_others_into_gibberish() -> None:
    lines = [f"账号{n}----密码{n}".encode() for n in range(20)]
    lines[3] = b"N----\xff\xff"
    found = dict(read(b"\n".join(lines)))
    assert found.pop(4) == "encoding"
    assert found[20] == CardText("账号19", "密码19")
    assert len(found) == 19


def damaged(name: str, old: bytes, new: bytes) -> bytes:
    """A workbook in which a part is changed; an empty `old` cuts the part in half."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx([["N1", "S1"], ["N2", "S2"]]))) as whole,
        zipfile.ZipFile(out, "w") as broken,
    ):
        for part in whole.namelist():
            data = whole.read(part)
            if part == name:
                data = data.replace(old, new) if old else data[: len(data) // 2]
            if part != name or new != b"gone":
                broken.writestr(part, data)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    "data",
    [damaged(SHEET, b"", b""), damaged(SHEET, b"x", b"gone"), damaged(SHEET, b'r="A2"', b'r="2A2"'),
     damaged(SHEET, b"<sheetData>", b"<sheetData>&unknown;")],
    ids=["cut off", "no sheet", "no such cell", "unknown entity"],
)  # fmt: skip
def test_a_damaged_workbook_is_refused_whatever_is_wrong_with_it(data: bytes) -> None:
    with pytest.raises(SheetError):
        read(data)
