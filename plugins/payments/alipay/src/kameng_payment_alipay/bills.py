"""Alipay's trade bill: a zip of CSV files in GBK, believed only when its own totals agree."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from kameng_sdk.money import Money
from kameng_sdk.payments import BillLine

from .times import beijing_time

MOST_FILES = 10
MOST_BYTES = 100 * 1024 * 1024
# All that `zipfile` raises for damaged files, encrypted ones and unknown ways to compress.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
HEAD = "#支付宝业务明细查询"
END = "业务明细列表结束"
PAYMENT, REFUND = "交易", "退款"
TRADE_NO, ATTEMPT_NO, KIND, AT = "支付宝交易号", "商户订单号", "业务类型", "完成时间"
AMOUNT, RECEIVED, FEE = "订单金额（元）", "商家实收（元）", "服务费（元）"
REFUND_NO = "退款批次号/请求号"
COLUMNS = {TRADE_NO, ATTEMPT_NO, KIND, AT, AMOUNT, RECEIVED, FEE, REFUND_NO}
TOTALS = {
    PAYMENT: re.compile(r"#交易合计：(\d+)笔，商家实收共(-?[\d.]+)元"),
    REFUND: re.compile(r"#退款合计：(\d+)笔，商家实收退款共(-?[\d.]+)元"),
}

Fields = dict[str, str]


class Unreadable(ValueError):
    """Not the whole bill of that account and day."""


def read_bill(archive: bytes, seller_id: str, day: date) -> list[BillLine]:
    """All payments and refunds of the bill. Raises `Unreadable`, never gives a part."""
    text = _details(archive)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    _check_head(comments, seller_id, day)
    rows = list(_rows(text))
    for kind, pattern in TOTALS.items():
        _check_total(comments, pattern, [row for row in rows if row[KIND] == kind])
    return [_line(row) for row in rows]


def _details(archive: bytes) -> str:
    """The one file of the archive with the single trades; the other one holds sums by shop."""
    try:
        texts = [content.decode("gb18030") for content in _contents(archive)]
    except UnicodeDecodeError:
        raise Unreadable("not GBK") from None
    found = [text for text in texts if text.lstrip("\ufeff").startswith(HEAD)]
    if len(found) != 1:
        raise Unreadable("no single file of trades")
    return found[0].lstrip("\ufeff")


def _contents(archive: bytes) -> list[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive), metadata_encoding="gbk") as opened:
            members = opened.infolist()
            if len(members) > MOST_FILES or sum(m.file_size for m in members) > MOST_BYTES:
                raise Unreadable("too large")
            return [opened.read(member) for member in members]
    except Unreadable:
        raise
    except DAMAGED as error:
        raise Unreadable(f"not a whole zip file: {type(error).__name__}") from None


def _check_head(comments: Sequence[str], seller_id: str, day: date) -> None:
    head = "\n".join(comments)
    if f"#账号：[{seller_id}" not in head:
        raise Unreadable("another account's bill")
    if f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]" not in head:
        raise Unreadable("another day's bill")
    if END not in head:
        raise Unreadable("the end is missing")


def _rows(text: str) -> Iterator[Fields]:
    # Column by name: Alipay adds and moves them.
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    reader = csv.reader(lines)
    names = [name.strip().replace("(", "（").replace(")", "）") for name in next(reader, [])]
    if not set(names) >= COLUMNS:
        raise Unreadable("columns are missing")
    for values in reader:
        if len(values) != len(names):
            raise Unreadable(f"line {reader.line_num} has {len(values)} of {len(names)} columns")
        yield dict(zip(names, (value.strip() for value in values), strict=True))


def _check_total(comments: Sequence[str], pattern: re.Pattern[str], rows: list[Fields]) -> None:
    found = [match for line in comments if (match := pattern.match(line))]
    if len(found) != 1:
        raise Unreadable("a total is missing")
    count, received = int(found[0][1]), _money(found[0][2])
    if count != len(rows):
        raise Unreadable(f"{len(rows)} lines, {count} by the total")
    if sum((_money(row[RECEIVED]) for row in rows), Money.zero()) != received:
        raise Unreadable("the amounts differ from the total")


def _line(row: Fields) -> BillLine:
    """A refund's row has the trade's numbers, amounts below zero and the request's number."""
    if row[KIND] not in TOTALS:
        raise Unreadable(f"unknown kind of line: {row[KIND][:20]}")
    refund = row[KIND] == REFUND
    sign = -1 if refund else 1
    amount, received = _money(row[AMOUNT]) * sign, _money(row[RECEIVED]) * sign
    if amount <= Money.zero() or received < Money.zero() or not (row[TRADE_NO] and row[ATTEMPT_NO]):
        raise Unreadable("a line without number or amount")
    if bool(row[REFUND_NO]) is not refund:
        raise Unreadable("a refund without number, or a number without refund")
    return BillLine(
        attempt_no=row[ATTEMPT_NO],
        provider_ref=row[TRADE_NO],
        amount=amount,
        at=_time(row[AT]),
        # Kept by Alipay is written below zero, given back above.
        fee=_money(row[FEE]) * -sign,
        refund_no=row[REFUND_NO] if refund else "",
        done=bool(received),
    )


def _money(text: str) -> Money:
    try:
        return Money.parse(text)
    except ValueError:
        raise Unreadable(f"not an amount: {text[:20]}") from None


def _time(text: str) -> datetime:
    found = beijing_time(text)
    if found is None:
        raise Unreadable(f"not a time: {text[:20]}")
    return found
