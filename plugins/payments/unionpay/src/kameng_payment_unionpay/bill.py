"""The bill of a day: fetched from the server of files, unpacked, read line by line (see `zm`).

A clearing day ends at 23:00 in Beijing: what is paid in the last hour is in the next day's bill.
"""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from datetime import date, datetime, time, timedelta

from kameng_sdk.context import CallContext
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine, BillResult

from .account import UnionpayAccount
from .client import call_files, message_of
from .states import BILL, NO_FILE
from .times import BEIJING, stamp
from .zm import BadBill, read_lines

KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1
MOST_BYTES = 64 * 1024 * 1024
READY = time(10)  # the next day; a bill that is not there by then is empty


def fetch_bill(ctx: CallContext, account: UnionpayAccount, day: date) -> BillResult:
    """UNKNOWN for all that is not wholly readable, PENDING before UnionPay has made it."""
    now = ctx.clock.now()
    if not timedelta(0) <= now.astimezone(BEIJING).date() - day < timedelta(days=300):
        # UnionPay is asked for month and day alone: another year's bill must not be taken.
        return BillResult(outcome=Outcome.UNKNOWN, message="no bill for that day")
    answer = call_files(ctx, account, {
        "bizType": "000000", "txnType": BILL, "txnSubType": "01", "txnTime": stamp(now),
        "fileType": "00", "settleDate": f"{day:%m%d}",
    })  # fmt: skip
    code = answer.get("respCode")
    if code == NO_FILE:
        made = datetime.combine(day + timedelta(days=1), READY, BEIJING)
        outcome = Outcome.SUCCEEDED if now >= made else Outcome.PENDING
        return BillResult(outcome=outcome, message=message_of(answer))
    if code != "00" or answer.get("settleDate", f"{day:%m%d}") != f"{day:%m%d}":
        return BillResult(outcome=Outcome.UNKNOWN, message=message_of(answer))
    try:
        lines = _lines(answer.get("fileContent", ""), account, day)
    except BadBill as error:
        return BillResult(outcome=Outcome.UNKNOWN, message=str(error))
    return BillResult(outcome=Outcome.SUCCEEDED, lines=lines)


def _lines(content: str, account: UnionpayAccount, day: date) -> list[BillLine]:
    lines: list[BillLine] = []
    for data in unpack(content):
        lines += read_lines(data, account.mer_id, day)
    return lines


def unpack(content: str) -> list[bytes]:
    """The ZM files in base64 of a deflated ZIP. Raises `BadBill`, also for more than 64 MB."""
    try:
        opened = zlib.decompressobj()
        packed = opened.decompress(base64.b64decode(content, validate=True), MOST_BYTES)
        if not opened.eof:
            raise BadBill("the bill is cut off or too large")
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return _members(archive)
    except BadBill:
        raise
    except (ValueError, zlib.error, zipfile.BadZipFile, EOFError) as error:
        raise BadBill(f"the bill cannot be unpacked: {type(error).__name__}") from None


def _members(archive: zipfile.ZipFile) -> list[bytes]:
    wanted = [entry for entry in archive.infolist() if "ZM_" in entry.filename]
    if not wanted:
        raise BadBill("no ZM file in the bill")
    if sum(entry.file_size for entry in wanted) > MOST_BYTES:
        raise BadBill("the bill is too large")
    if any(entry.flag_bits & ENCRYPTED or entry.compress_type not in KNOWN for entry in wanted):
        raise BadBill("a ZIP of a kind that is not opened here")
    return [archive.read(entry) for entry in wanted]  # compares length and CRC
