"""A day of a member's wallet: proved, and written as a table for programs and for people. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kameng.openapi.domain.amounts import decimal
from kameng.sheets import safe_cell

CHINA = ZoneInfo("Asia/Shanghai")
COLUMNS = (
    "time", "type", "order_no", "merchant_order_no", "amount", "balance", "product", "quantity",
    "total", "state",
)  # fmt: skip
# kinds of transfers that move a wallet → words of the contract
WORDS = {
    "wallet.pay": "purchase", "refund.wallet": "refund", "payment.collect": "top_up",
    "wallet.bonus": "bonus",
}  # fmt: skip


class StatementBroken(RuntimeError):
    """Opening balance and movements do not make the closing balance: the books need a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Money in (positive) or out of the wallet at scale 4, and what was in it afterwards."""

    at: datetime
    word: str
    order_no: str
    merchant_order_no: str
    amount: int
    balance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """An order placed on the day; ``state`` is the one it had when the day was over."""

    at: datetime
    order_no: str
    merchant_order_no: str
    product: str
    quantity: int
    total: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One transfer of the wallet as the ledger has it."""

    at: datetime
    kind: str
    order_no: str
    merchant_order_no: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One day in China. Balances at scale 4; ``csv`` is the same as a file."""

    day: date
    movements: tuple[Movement, ...]
    orders: tuple[OrderLine, ...]
    opening_balance: int
    closing_balance: int
    csv: bytes

    @property
    def rows(self) -> tuple[Movement | OrderLine, ...]:
        """Movements, then orders, each in order of time."""
        return (*self.movements, *self.orders)

    def as_json(self) -> dict[str, Any]:
        """The same for programs: amounts are decimal strings, times carry their offset."""
        return {
            "date": self.day.isoformat(), "timezone": CHINA.key, "currency": "CNY",
            "opening_balance": decimal(self.opening_balance),
            "closing_balance": decimal(self.closing_balance),
            "movements": [_movement_json(row) for row in self.movements],
            "orders": [_order_json(row) for row in self.orders],
        }  # fmt: skip


def word_of(kind: str) -> str:
    """The word of the contract for a kind of transfer."""
    return "adjustment" if kind.startswith("adjust.") else WORDS.get(kind, "other")


def make_statement(
    day: date, opening: int, closing: int, moved: Iterable[Moved], orders: Sequence[OrderLine]
) -> Statement:
    """Prove that opening and movements make closing, and write the file.

    Raises `StatementBroken` when they do not: no such statement may leave the house.
    """
    movements = tuple(_running(opening, moved))
    reached = movements[-1].balance if movements else opening
    if reached != closing:
        raise StatementBroken(f"{day}: {opening} and {len(movements)} movements make {reached}")
    return Statement(
        day=day, movements=movements, orders=tuple(orders), opening_balance=opening,
        closing_balance=closing, csv=_file(_table(day, opening, closing, movements, orders)),
    )  # fmt: skip


def _running(balance: int, moved: Iterable[Moved]) -> Iterator[Movement]:
    for one in moved:
        balance += one.amount
        yield Movement(
            at=one.at, word=word_of(one.kind), order_no=one.order_no,
            merchant_order_no=one.merchant_order_no, amount=one.amount, balance=balance,
        )  # fmt: skip


def _table(
    day: date, opening: int, closing: int, movements: Sequence[Movement],
    orders: Sequence[OrderLine],
) -> Iterator[Sequence[str]]:  # fmt: skip
    """Text that people have chosen cannot become a formula; amounts are ours and stay numbers."""
    blank = ("",) * 4
    yield COLUMNS
    yield (f"{day} 00:00:00", "opening", "", "", "", decimal(opening), *blank)
    for row in movements:
        numbers = (row.order_no, safe_cell(row.merchant_order_no))
        yield (
            _clock(row.at),
            row.word,
            *numbers,
            decimal(row.amount),
            decimal(row.balance),
            *blank,
        )
    yield (f"{day} 23:59:59", "closing", "", "", "", decimal(closing), *blank)
    for line in orders:
        yield (
            _clock(line.at), "order", line.order_no, safe_cell(line.merchant_order_no), "", "",
            safe_cell(line.product), str(line.quantity), decimal(line.total), line.state,
        )  # fmt: skip


def _file(rows: Iterable[Sequence[str]]) -> bytes:
    # With the mark spreadsheets read UTF-8; CRLF is the line end of RFC 4180.
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode("utf-8-sig", "replace")


def _clock(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _iso(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="milliseconds")


def _movement_json(row: Movement) -> dict[str, Any]:
    return {
        "time": _iso(row.at), "type": row.word, "order_no": row.order_no or None,
        "merchant_order_no": row.merchant_order_no or None, "amount": decimal(row.amount),
        "balance": decimal(row.balance),
    }  # fmt: skip


def _order_json(row: OrderLine) -> dict[str, Any]:
    return {
        "time": _iso(row.at), "order_no": row.order_no,
        "merchant_order_no": row.merchant_order_no or None, "product": row.product,
        "quantity": row.quantity, "total": decimal(row.total), "state": row.state,
    }  # fmt: skip
