"""Lines of a ZM file: fixed columns with a blank between, GBK, amounts in fen.

The widths are those that UnionPay's own example reads (`parseZMFile` of its Java SDK), the names
those of 《全渠道平台接入接口规范 第3部分 文件接口》, section 6.1.
"""

from __future__ import annotations

from datetime import date

from kameng_sdk.money import Money
from kameng_sdk.payments import BillLine

from .amounts import from_fen
from .references import is_query_id
from .states import PAYMENT, REFUND, REVERSAL
from .times import without_year

WIDTHS = {
    "tradeCode": 3, "acqInsCode": 11, "sendInsCode": 11, "traceNo": 6, "traceTime": 10,
    "accNo": 19, "txnAmt": 12, "merCatCode": 4, "termType": 2, "queryId": 21, "payTypeOld": 2,
    "orderId": 32, "payCardType": 2, "origTraceNo": 6, "origTraceTime": 10, "merFee": 13,
    "settleAmt": 13, "payType": 4, "groupMerCode": 15, "txnType": 2, "txnSubType": 2,
    "bizType": 6, "accType": 2, "billType": 4, "billNo": 32, "interactMode": 1, "origQryId": 21,
    "merId": 15, "splitType": 1, "subMerId": 15, "subMerAbbr": 32, "subMerAmt": 13,
    "settleNetAmt": 13, "termId": 8, "reqReserved": 32, "discountAmt": 13, "invoiceAmt": 13,
    "instalFee": 12, "instalNum": 2, "medium": 1, "reserve": 32, "rest": 98,
}  # fmt: skip
KINDS = frozenset({PAYMENT, REFUND, REVERSAL})
# Later versions lengthen the end: what is read here must be there, the rest may differ.
LAST_READ = "reqReserved"


class BadBill(ValueError):
    """The bill cannot be read to its end, so none of it is used."""


def read_lines(data: bytes, mer_id: str, day: date) -> list[BillLine]:
    """All payments and refunds of a file. Raises `BadBill`."""
    lines = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = _line(_columns(line), mer_id, day)
        except ValueError as error:
            raise BadBill(f"line {number}: {error}") from None
        lines += [found] if found else []
    return lines


def _columns(line: bytes) -> dict[str, str]:
    """Columns by their bytes: a Chinese letter takes two places."""
    found, at = {}, 0
    for name, width in WIDTHS.items():
        if at + width > len(line) or line[at + width : at + width + 1] not in (b" ", b""):
            raise ValueError(f"column {name} does not end where it should")
        found[name] = line[at : at + width].decode("gbk").strip()
        at += width + 1
        if name == LAST_READ:
            break
    return found


def _line(column: dict[str, str], mer_id: str, day: date) -> BillLine | None:
    if column["merId"] != mer_id:
        raise ValueError("another merchant's line")
    if column["txnType"] not in KINDS:
        return None  # pre-authorisations, pay-outs and the like: not made by this plugin
    at = without_year(column["traceTime"], day)
    if at is None or not is_query_id(column["queryId"]) or not column["orderId"]:
        raise ValueError("no time, query number or order number")
    amount, order_id, query_id = from_fen(column["txnAmt"]), column["orderId"], column["queryId"]
    if column["txnType"] == PAYMENT:
        fee = _signed(column["merFee"], "D")
        return BillLine(attempt_no=order_id, provider_ref=query_id, amount=amount, at=at, fee=fee)
    return BillLine(
        attempt_no=column["reqReserved"],
        provider_ref=column["origQryId"],
        amount=amount,
        at=at,
        fee=_signed(column["merFee"], "C"),
        refund_no=order_id,
        refund_ref=query_id,
    )


def _signed(text: str, positive: str) -> Money | None:
    """A letter (D: the merchant pays, C: it receives) and twelve digits; empty is not told."""
    if not text:
        return None
    sign, digits = text[0], text[1:]
    if sign not in "CD" or not (digits.isascii() and digits.isdecimal()):
        raise ValueError("the fee is not readable")
    fen = int(digits)
    return Money.from_fen(fen if sign == positive else -fen)
