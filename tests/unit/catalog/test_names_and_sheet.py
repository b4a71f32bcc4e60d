"""Search words and the product sheet."""

from __future__ import annotations

import io

import pytest

from kameng.catalog.domain.fields import FieldRule
from kameng.catalog.domain.names import like_pattern, search_terms, tag_slug
from kameng.catalog.domain.sheet import (
    RowError,
    format_amount,
    format_fields,
    parse_fields,
    read_heading,
    read_row,
)
from kameng.sheets import (
    SheetError,
    detect_encoding,
    plain_cell,
    read_rows,
    safe_cell,
    write_csv,
    write_xlsx,
)


def test_search_words_are_few_and_folded() -> None:
    assert search_terms(" 星海　ＶＩＰ  100 ") == ["星海", "VIP", "100"]
    assert len(search_terms("a b c d e f g")) == 5


def test_nothing_typed_is_a_wildcard() -> None:
    assert like_pattern("100%_\\") == "%100\\%\\_\\\\%"


def test_a_tag_keeps_its_chinese_letters() -> None:
    assert tag_slug(" 秒到 账！ ") == "秒到-账"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "＝1"])
def test_an_exported_cell_never_runs_and_comes_back_whole(text: str) -> None:
    assert safe_cell(text).startswith("'")
    assert plain_cell(safe_cell(text)) == text
    assert list(read_rows(io.BytesIO(write_csv([[text, "x"]])))) == [(1, [text, "x"])]
    assert list(read_rows(io.BytesIO(write_xlsx([[text, "x"]], "t")))) == [(1, [text, "x"])]


def test_sheets_are_read_in_utf8_and_gbk() -> None:
    for encoding in ("utf-8", "utf-8-sig", "gbk"):
        data = "商品编号,商品名称\r\nxh,星海点券\r\n".encode(encoding)
        assert list(read_rows(io.BytesIO(data))) == [
            (1, ["商品编号", "商品名称"]), (2, ["xh", "星海点券"]),
        ]  # fmt: skip


def test_a_character_cut_by_the_sample_is_still_utf8() -> None:
    assert detect_encoding("星海".encode()[:-1]) == "utf-8-sig"


@pytest.mark.parametrize("data", [b"\xff\xfea\x00", b"PK\x03\x04nonsense"])
def test_what_is_no_sheet_is_refused(data: bytes) -> None:
    with pytest.raises(SheetError):
        list(read_rows(io.BytesIO(data)))


def test_fields_survive_the_way_through_a_cell() -> None:
    fields = (
        FieldRule("account", "游戏账号", "account", True, r"^(\d{5}|\w{8})$", "5 位数字或 8 个字"),
        FieldRule("zone", "大区", "choice", False, "", "", ("微信区", "QQ区")),
    )
    assert parse_fields(format_fields(fields)) == fields
    assert parse_fields("-") == ()


def test_a_row_gives_only_what_stands_in_it() -> None:
    keys = read_heading(["商品编号", "规格编号", "面值", "成本", "规格状态", "备注"])
    row = read_row(2, keys, ["xh", "XH-100", "￥100", "94.1234", "下架", "x"])
    assert (row.product, row.cost) == ({}, 941_234)
    assert row.sku == {"face_value": 1_000_000, "state": "off_sale"}


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["", "XH", ""], "cell_missing"),
        (["xh", "XH", "12.345678"], "not_an_amount"),
        (["xh", "XH", "1e5"], "not_an_amount"),
    ],
)
def test_a_bad_cell_is_named(cells: list[str], code: str) -> None:
    with pytest.raises(RowError) as refused:
        read_row(2, read_heading(["商品编号", "规格编号", "面值"]), cells)
    assert refused.value.code == code


def test_a_sheet_without_its_key_columns_is_refused() -> None:
    with pytest.raises(RowError):
        read_heading(["商品名称"])


def test_amounts_show_four_places_only_when_needed() -> None:
    assert (format_amount(955_000), format_amount(941_234)) == ("95.50", "94.1234")
