"""The trade bill of a day: yuan in columns behind backticks, closed by a line of totals."""

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from kameng_sdk.money import UNITS_PER_YUAN, Money
from kameng_sdk.payments import BillLine

from .documents import Unreadable

BEIJING = timezone(timedelta(hours=8))
MOST_BYTES = 64 * 1024 * 1024
GZIP = b"\x1f\x8b"
_AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,8})?")

COUNT, ORDERS, REFUNDS = "总交易单数", "订单总金额", "申请退款总金额"
NEEDED = {
    "交易时间", "商户号", "微信订单号", "商户订单号", "交易状态", "货币种类", "微信退款单号",
    "商户退款单号", "退款状态", "手续费", "订单金额", "申请退款金额",
}  # fmt: skip
Row = dict[str, str]


def unpacked(body: bytes, sha1: str) -> bytes:
    """The file itself: the hash is over what is not packed. Raises Unreadable."""
    try:
        plain = _gunzip(body) if body.startswith(GZIP) else body
    except (OSError, EOFError, zlib.error):
        raise Unreadable("the file cannot be unpacked") from None
    if hashlib.sha1(plain, usedforsecurity=False).hexdigest() != sha1.lower():
        raise Unreadable("the file has another SHA1")
    return plain


def _gunzip(body: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
        plain = packed.read(MOST_BYTES + 1)
    if len(plain) > MOST_BYTES:
        raise Unreadable("the file is too long")
    return plain


def read_bill(plain: bytes, mchid: str) -> list[BillLine]:
    """All lines; raises Unreadable when one is odd or the totals do not fit."""
    try:
        text = plain.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("the file is not UTF-8") from None
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    names = _names(lines[0]) if lines else []
    end = next((n for n, line in enumerate(lines) if _names(line)[0] == COUNT), None)
    if NEEDED - set(names) or end is None or end != len(lines) - 2:
        raise Unreadable("the file does not begin and end as a bill")
    rows = [_row(names, line) for line in lines[1:end]]
    _check_totals(rows, _row(_names(lines[end]), lines[end + 1]))
    return [_line(row, mchid) for row in rows]


def _names(line: str) -> list[str]:
    return [name.strip().lstrip("`") for name in line.split(",")]


def _row(names: Sequence[str], line: str) -> Row:
    """A name of goods may hold a comma, so the backtick behind it belongs to the border."""
    values = line.strip().removeprefix("`").split(",`")
    if not line.startswith("`") or len(values) != len(names):
        raise Unreadable("a line with other columns")
    return {name: value.strip() for name, value in zip(names, values, strict=True)}


def _check_totals(rows: Sequence[Row], totals: Row) -> None:
    """The count, and both sums that count; those of fees are rounded in ways of their own."""
    if {COUNT, ORDERS, REFUNDS} - set(totals):
        raise Unreadable("totals are missing")
    if _number(totals[COUNT]) != len(rows):  # written as 45.0, too
        raise Unreadable("another number of lines than counted")
    for total, name in ((ORDERS, "订单金额"), (REFUNDS, "申请退款金额")):
        if sum(_number(row[name]) for row in rows) != _number(totals[total]):
            raise Unreadable(f"{total} does not fit the lines")


def _line(row: Row, mchid: str) -> BillLine:
    if row["商户号"] != mchid or row["货币种类"] != "CNY":
        raise Unreadable("another merchant's line, or another currency")
    refund = row["交易状态"] == "REFUND"
    fee = _money(row["手续费"])
    return BillLine(
        attempt_no=row["商户订单号"],
        provider_ref=row["微信订单号"],
        amount=_money(row["申请退款金额" if refund else "订单金额"]),
        at=_moment(row["交易时间"]),
        fee=-fee if refund else fee,  # what was given back stands there as less than nothing
        refund_no=row["商户退款单号"] if refund else "",
        refund_ref=row["微信退款单号"] if refund else "",
        done=row["退款状态" if refund else "交易状态"] == "SUCCESS",
    )


def _money(text: str) -> Money:
    units = _number(text) * UNITS_PER_YUAN
    if units != int(units):
        raise Unreadable("an amount finer than money")
    return Money(int(units))


def _number(text: str) -> Decimal:
    if not text.isascii() or not _AMOUNT.fullmatch(text):
        raise Unreadable("an amount that is no number")
    return Decimal(text)


def _moment(text: str) -> datetime:
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise Unreadable("a line without a time") from None
    return local.replace(tzinfo=BEIJING).astimezone(UTC)
