"""Bills: fetched, unpacked and read to their end, or not used at all."""

import base64
import io
import zipfile
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kameng_payment_unionpay.bill import unpack
from kameng_payment_unionpay.times import BEIJING
from kameng_payment_unionpay.zm import WIDTHS, BadBill, read_lines
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine, RefundRequest

DAY = date(2026, 7, 22)
# As UnionPay publishes them, to be compared with what the plugin reads.
PUBLISHED = (
    "3,11,11,6,10,19,12,4,2,21,2,32,2,6,10,13,13,4,15,2,2,6,2,4,32,1,21,15,1,15,32,13,13,8,32,13,13,"
    "12,2,1,32,98"
)
MERCHANT = "777290000000001"
LINE = {
    "tradeCode": "S22", "traceTime": "0722101600", "txnAmt": "000000009550",
    "queryId": "952607221016001234567", "orderId": "26071234567890123456",
    "merFee": "D000000000057", "txnType": "01", "txnSubType": "01", "merId": MERCHANT,
    "subMerAbbr": "二级商户简称", "reqReserved": "",
}  # fmt: skip


def today() -> date:
    return datetime.now(BEIJING).date()


def line(**changes: str) -> bytes:
    values = {**LINE, **changes}
    return b" ".join(values.get(n, "").encode("gbk").ljust(w) for n, w in WIDTHS.items())


def packed(data: bytes, name: str = "INN26072288ZM_777290000000001") -> str:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, data)
    return base64.b64encode(zlib.compress(out.getvalue())).decode()


def by_number(lines: Any) -> dict[str, BillLine]:
    return {found.refund_no or found.attempt_no: found for found in lines}


def money_moved(scene: Any, number: str) -> tuple[Any, str, str]:
    """An order paid and refunded in part; the provider and both query numbers."""
    provider, _ = scene.open(number)
    query_id = scene.control(number, "pay")["payments"][0]["query_id"]
    request = RefundRequest(
        attempt_no=number, provider_ref=query_id, refund_no=f"R{number}",
        amount=Money.from_fen(3000), total=Money.from_fen(9550), made_at=datetime.now(UTC),
    )  # fmt: skip
    refund_id = provider.refund(scene.ctx(), request).provider_ref
    return provider, query_id, refund_id


def test_the_columns_are_those_that_unionpay_publishes() -> None:
    assert [str(width) for width in WIDTHS.values()] == PUBLISHED.split(",")


def test_the_bill_tells_payments_and_refunds_exactly(scene: Any) -> None:
    provider, query_id, refund_id = money_moved(scene, "bill00001")
    result = provider.bill(scene.ctx(), today())
    assert result.outcome is Outcome.SUCCEEDED
    lines = by_number(result.lines)
    payment, refund = lines["bill00001"], lines["Rbill00001"]
    assert (payment.provider_ref, payment.amount) == (query_id, Money.from_fen(9550))
    assert (payment.fee, payment.is_refund, payment.done) == (Money.from_fen(57), False, True)
    assert abs(payment.at - scene.clock.now()) < timedelta(minutes=1)
    assert (refund.attempt_no, refund.provider_ref) == ("bill00001", query_id)
    assert (refund.refund_ref, refund.amount) == (refund_id, Money.from_fen(3000))
    assert (refund.fee, refund.is_refund) == (Money.from_fen(18), True)


def test_what_is_unpaid_or_under_way_is_not_in_the_bill(scene: Any) -> None:
    scene.open("unpaid001")
    scene.settings(refund_seconds=600)
    provider, *_ = money_moved(scene, "underway1")
    lines = by_number(provider.bill(scene.ctx(), today()).lines)
    assert "underway1" in lines
    assert not {"unpaid001", "Runderway1"} & set(lines)


def test_a_bill_that_is_not_made_yet_is_pending_and_one_that_never_will_be_is_empty(
    scene: Any,
) -> None:
    provider, *_ = money_moved(scene, "notyet001")
    scene.settings(bill_ready="off")
    assert provider.bill(scene.ctx(), today()).outcome is Outcome.PENDING
    scene.clock.moved = timedelta(days=2)
    result = provider.bill(scene.ctx(), today())
    assert (result.outcome, list(result.lines)) == (Outcome.SUCCEEDED, [])


def test_days_that_a_month_and_a_day_do_not_name_are_not_asked_for(scene: Any) -> None:
    scene.settings(fail_percent=100)  # a call would raise
    for day in (today() + timedelta(days=1), today() - timedelta(days=300)):
        assert scene.provider().bill(scene.ctx(), day).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("lever", ["bill_missing", "bill_amount", "bill_state"])
def test_a_planted_difference_of_a_payment_is_in_the_bill(scene: Any, lever: str) -> None:
    number = f"{lever.replace('_', '')}1"
    provider, query_id, _ = money_moved(scene, number)
    scene.settings(**{lever: f"{number},nothing"})
    lines = [found for found in provider.bill(scene.ctx(), today()).lines
             if query_id == found.provider_ref]  # fmt: skip
    told = {(found.refund_no, found.amount.to_fen()) for found in lines}
    refund = (f"R{number}", 3000)
    assert (
        told
        == {
            "bill_missing": {refund},
            "bill_amount": {("", 9551), refund},
            "bill_state": {("", 9550), refund, (number, 9550)},
        }[lever]
    )
    assert all(found.attempt_no == number for found in lines)


def test_a_planted_missing_refund_and_a_planted_extra_payment_are_in_the_bill(scene: Any) -> None:
    provider, *_ = money_moved(scene, "planted01")
    scene.open("planted02")
    scene.settings(bill_refund_missing="Rplanted01", bill_extra="extra0001", bill_state="planted02")
    lines = by_number(provider.bill(scene.ctx(), today()).lines)
    assert "Rplanted01" not in lines
    assert lines["extra0001"].amount == Money.from_fen(100)
    assert lines["planted02"].amount == Money.from_fen(9550)  # open here, paid there
    text = scene.web.get(f"{scene.url}/control/bill").text
    assert "Rplanted01" not in text
    assert ",extra0001,100," in text


def test_lines_are_read_by_their_bytes() -> None:
    refund = line(txnType="04", tradeCode="S30", orderId="R2607", origQryId=LINE["queryId"],
                  queryId="952607221020001234567", merFee="C000000000057",
                  reqReserved="26071234567890123456")  # fmt: skip
    other = line(txnType="02")
    paid, back = read_lines(line() + b"\r\n\r\n" + refund + b"\n" + other + b"\n", MERCHANT, DAY)
    assert paid.at == datetime(2026, 7, 22, 2, 16, tzinfo=UTC)
    assert (paid.attempt_no, paid.fee) == (LINE["orderId"], Money.from_fen(57))
    assert (back.attempt_no, back.refund_no) == (LINE["orderId"], "R2607")
    assert (back.provider_ref, back.fee) == (LINE["queryId"], Money.from_fen(57))


def test_a_fee_the_other_way_and_no_fee_are_told_as_they_are() -> None:
    (subsidy,) = read_lines(line(merFee="C000000000057"), MERCHANT, DAY)
    assert subsidy.fee == Money.from_fen(-57)
    (untold,) = read_lines(line(merFee=""), MERCHANT, DAY)
    assert untold.fee is None


def test_the_last_day_of_a_year_belongs_to_that_year() -> None:
    (found,) = read_lines(line(traceTime="1231230500"), MERCHANT, date(2026, 1, 1))
    assert found.at == datetime(2025, 12, 31, 15, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "data",
    [
        line()[:300],
        line()[:50] + line()[51:],
        line(merId="777290000000002"),
        line(txnAmt="0000000095.5"),
        line(txnAmt="000000000000"),
        line(txnAmt=""),
        line(queryId=""),
        line(orderId=""),
        line(traceTime="1322101600"),
        line(merFee="X000000000057"),
        line() + b"\n" + b"total 1",
        b"<html>not here</html>",
        line().replace(b"S22", b"\xff\xff\xff"),
    ],
)
def test_a_line_that_cannot_be_read_spoils_the_bill(data: bytes) -> None:
    with pytest.raises(BadBill, match="line"):
        read_lines(line() + b"\n" + data, MERCHANT, DAY)


def test_the_file_is_unpacked_whole() -> None:
    assert unpack(packed(line())) == [line()]
    assert unpack(packed(b"")) == [b""]


def other_zip(offset: int, value: int) -> str:
    """With another flag or method in the ZIP's own list of contents."""
    raw = bytearray(zlib.decompress(base64.b64decode(packed(line()))))
    raw[raw.index(b"PK\x01\x02") + offset] = value
    return base64.b64encode(zlib.compress(bytes(raw))).decode()


def damaged() -> str:
    raw = bytearray(zlib.decompress(base64.b64decode(packed(line()))))
    raw[60] ^= 1
    return base64.b64encode(zlib.compress(bytes(raw))).decode()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not base64!",
        "AAAA",
        packed(line())[:-40],
        packed(line(), "INN26072288ZME_777290000000001"),
        base64.b64encode(zlib.compress(b"no zip")).decode(),
        base64.b64encode(zlib.compress(b"x" * (65 * 1024 * 1024))).decode(),
        damaged(),
        other_zip(8, 1),  # encrypted
        other_zip(10, 99),  # compressed in a way of its own
    ],
)
def test_a_damaged_file_is_not_used(content: str) -> None:
    with pytest.raises(BadBill):
        unpack(content)
