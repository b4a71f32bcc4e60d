"""Bills as UnionPay packs them, and the differences that levers plant in them."""

from __future__ import annotations

import base64
import io
import time
import zipfile
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kameng_payment_unionpay.times import stamp
from kameng_payment_unionpay.zm import WIDTHS

from .bank import new_number, refund_code
from .store import Row, Store

FEE_BP = 60
EXTRA_FEN = 100


@dataclass(frozen=True, slots=True)
class Movement:
    """One line: ``kind`` is UnionPay's txnType."""

    kind: str
    order_id: str
    query_id: str
    fen: int
    at: float
    orig: str = ""
    reserved: str = ""

    @property
    def settle_date(self) -> str:
        """MMDD. The simulator's clearing day is the calendar's day."""
        return stamp(datetime.fromtimestamp(self.at, UTC))[4:8]

    def named(self, numbers: frozenset[str]) -> bool:
        """Whether a lever names it, by either number."""
        return not numbers.isdisjoint((self.order_id, self.query_id))


class Files:
    """The server of files."""

    def __init__(self, store: Store, mer_id: str) -> None:
        self._store, self._mer_id = store, mer_id

    def movements(self) -> list[Movement]:
        """All money moved, as the bill tells it: with what levers plant."""
        lines = [*self._payments(), *self._refunds(), *self._extra()]
        return sorted(lines, key=lambda line: (line.at, line.query_id))

    def bill(self, settle_date: str) -> str | None:
        """Base64 of the deflated ZIP of one day (MMDD); None when nothing moved."""
        lines = [line for line in self.movements() if line.settle_date == settle_date]
        if not lines:
            return None
        text = b"".join(self._line(line) + b"\r\n" for line in lines)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            day = f"{time.strftime('%y')}{settle_date}"
            archive.writestr(f"INN{day}88ZM_{self._mer_id}", text)
            archive.writestr(f"INN{day}88ZME_{self._mer_id}", b"")
        return base64.b64encode(zlib.compress(packed.getvalue())).decode()

    def _payments(self) -> list[Movement]:
        missing, more = self._named("bill_missing"), self._named("bill_amount")
        state, lines = self._named("bill_state"), []
        for row in self._store.rows("SELECT * FROM payments JOIN orders ON no = order_no"):
            line = _payment(row, row["query_id"], row["paid_at"])
            if line.named(missing):
                continue
            lines.append(replace(line, fen=line.fen + 1) if line.named(more) else line)
            if line.named(state):  # taken back at the gateway without a word of the merchant
                number = f"95{line.query_id[2:][::-1]}"
                back = replace(line, kind="31", query_id=number, orig=line.query_id)
                lines.append(replace(back, reserved=line.order_id))
        unpaid = "SELECT * FROM orders WHERE no NOT IN (SELECT order_no FROM payments)"
        for row in self._store.rows(unpaid):
            line = _payment(row, row["no"], row["created_at"])
            lines += [line] if line.named(state) else []  # paid at the gateway, open here
        return lines

    def _refunds(self) -> list[Movement]:
        missing, more = self._named("bill_refund_missing"), self._named("bill_amount")
        lines = []
        for row in self._store.rows("SELECT * FROM refunds"):
            line = Movement(
                "04", row["order_id"], row["query_id"], row["fen"], row["created_at"],
                row["payment"], row["reserved"],
            )  # fmt: skip
            if refund_code(row) == "00" and not line.named(missing):
                lines.append(replace(line, fen=line.fen + 1) if line.named(more) else line)
        return lines

    def _extra(self) -> list[Movement]:
        """Payments that never were, of a day on which something was (or today)."""
        now = time.time()
        return [
            Movement("01", number, f"96{new_number()[2:]}", EXTRA_FEN, now)
            for number in sorted(self._named("bill_extra"))
        ]

    def _named(self, lever: str) -> frozenset[str]:
        return frozenset(part.strip() for part in self._store.setting(lever).split(",")) - {""}

    def _line(self, line: Movement) -> bytes:
        fee = line.fen * FEE_BP // 10_000
        paid = line.kind == "01"
        values = {
            "tradeCode": "S22" if paid else "S30", "acqInsCode": "48020000",
            "sendInsCode": "48020000", "traceNo": line.query_id[-6:],
            "traceTime": stamp(datetime.fromtimestamp(line.at, UTC))[4:],
            "accNo": "6221********0000", "txnAmt": f"{line.fen:012d}", "merCatCode": "5816",
            "termType": "07", "queryId": line.query_id, "orderId": line.order_id[:32],
            "merFee": f"{'D' if paid else 'C'}{fee:012d}",
            "settleAmt": f"{'C' if paid else 'D'}{line.fen - fee:012d}", "payType": "0001",
            "txnType": line.kind, "txnSubType": "01" if paid else "00", "bizType": "000201",
            "origQryId": line.orig, "merId": self._mer_id, "subMerAbbr": "卡盟演示",
            "reqReserved": line.reserved[:32],
        }  # fmt: skip
        return b" ".join(
            values.get(name, "").encode("gbk").ljust(width) for name, width in WIDTHS.items()
        )


def _payment(row: Row, query_id: str, at: float) -> Movement:
    return Movement("01", row["order_id"], query_id, row["fen"], at, reserved=row["reserved"])
