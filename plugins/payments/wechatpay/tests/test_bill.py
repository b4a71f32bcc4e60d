"""The bill of a day: read exactly, every planted difference seen, nothing half read."""

import gzip
import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kameng_payment_wechatpay.bills import BEIJING, read_bill, unpacked
from kameng_payment_wechatpay.documents import Unreadable
from kameng_payment_wechatpay.simulator.bill import HEAD, TOTALS
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine, BillResult

PLANTED = ("bill_missing", "bill_extra", "bill_amount", "bill_state", "bill_refund_missing")


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return iter(range(100))


def today() -> date:
    return datetime.now(BEIJING).date()


def ask(scene: Any, day: date | None = None, **changes: Any) -> BillResult:
    result: BillResult = scene.provider(**changes).bill(scene.ctx(), day or today())
    return result


def sold(scene: Any, numbers: Iterator[int]) -> tuple[str, str]:
    """A payment of today with a part given back; the numbers of both."""
    number = f"bill-{next(numbers)}"
    provider = scene.paid(number)
    provider.refund(scene.ctx(), scene.refund_of(number, f"R-{number}", 3000))
    return number, f"R-{number}"


def found(lines: Any, number: str) -> list[BillLine]:
    return [line for line in lines if number in (line.attempt_no, line.refund_no)]


def test_a_bill_tells_of_payment_and_refund_exactly(scene: Any, numbers: Iterator[int]) -> None:
    number, refund_no = sold(scene, numbers)
    result = ask(scene)
    assert result.outcome is Outcome.SUCCEEDED
    payment, refund = found(result.lines, number)
    order = scene.order(number)
    assert payment.provider_ref == order["payments"][0]["transaction_id"]
    assert (payment.amount, payment.fee) == (Money.from_fen(9550), Money.from_fen(57))
    assert (payment.is_refund, payment.done) == (False, True)
    assert abs(payment.at - datetime.now(UTC)) < timedelta(minutes=2)
    assert (refund.refund_no, refund.refund_ref) == (refund_no, order["refunds"][0]["refund_id"])
    assert (refund.amount, refund.fee) == (Money.from_fen(3000), Money.from_fen(18))
    assert (refund.is_refund, refund.done) == (True, True)


def test_each_planted_difference_is_in_the_bill(scene: Any, numbers: Iterator[int]) -> None:
    cases = [sold(scene, numbers) for _ in PLANTED]
    planted = dict(zip(PLANTED, [number for number, _ in cases], strict=True))
    planted |= {"bill_extra": "NOBODYS000001", "bill_refund_missing": cases[4][1]}
    scene.settings(**planted)
    result = ask(scene)
    assert result.outcome is Outcome.SUCCEEDED
    by = {
        name: found(result.lines, number) for name, (number, _) in zip(PLANTED, cases, strict=True)
    }
    assert [line.is_refund for line in by["bill_missing"]] == [True]
    assert found(result.lines, "NOBODYS000001")[0].amount == Money.from_fen(100)
    assert by["bill_amount"][0].amount == Money.from_fen(9551)
    assert [line.done for line in by["bill_state"]] == [False, True]
    assert [line.is_refund for line in by["bill_refund_missing"]] == [False]
    assert [line.done for line in by["bill_extra"]] == [True, True]


def test_the_word_any_plants_a_difference_somewhere(scene: Any, numbers: Iterator[int]) -> None:
    sold(scene, numbers)
    before = len(ask(scene).lines)
    scene.settings(bill_missing="any", bill_extra="any", bill_refund_missing="any")
    after = ask(scene).lines
    assert len(after) == before - 1
    assert found(after, "EXTRA0000000001")


def test_a_refund_under_way_is_listed_as_not_done(scene: Any, numbers: Iterator[int]) -> None:
    scene.settings(refund_seconds=60)
    _, refund_no = sold(scene, numbers)
    (line,) = found(ask(scene).lines, refund_no)
    assert (line.is_refund, line.done) == (True, False)


@pytest.mark.parametrize("damage", ["sha1", "truncated", "total"])
def test_a_damaged_bill_is_unknown_and_never_part(
    scene: Any, numbers: Iterator[int], damage: str
) -> None:
    sold(scene, numbers)
    scene.settings(bill_damage=damage)
    result = ask(scene)
    assert (result.outcome, len(result.lines)) == (Outcome.UNKNOWN, 0)
    assert result.message.startswith("bill: ")


def test_a_bill_that_is_not_made_yet_is_asked_for_later(scene: Any) -> None:
    scene.settings(bill_ready="off")
    assert ask(scene).outcome is Outcome.PENDING


def test_no_bill_is_an_empty_day_only_after_ten_the_next_morning(scene: Any) -> None:
    result = ask(scene, today() - timedelta(days=2))
    assert (result.outcome, len(result.lines)) == (Outcome.SUCCEEDED, 0)
    assert ask(scene, today() + timedelta(days=1)).outcome is Outcome.PENDING


def test_a_refusal_that_is_not_signed_says_nothing_about_the_day(scene: Any) -> None:
    scene.settings(answer_sign="none")
    assert ask(scene, today() - timedelta(days=2)).outcome is Outcome.UNKNOWN


def test_a_signed_request_is_sent_to_no_other_address(scene: Any, numbers: Iterator[int]) -> None:
    sold(scene, numbers)
    # The simulator's answers name its own address; to this account it is another's.
    elsewhere = scene.url.replace("127.0.0.1", "localhost")
    with pytest.raises(HttpOutcomeUnknown, match="another address"):
        ask(scene, gateway_url=elsewhere)


def test_a_day_that_is_none_is_refused_by_the_gateway(scene: Any) -> None:
    class Day(date):
        def isoformat(self) -> str:
            return "2026-13-01"

    assert ask(scene, Day(2026, 1, 1)).outcome is Outcome.UNKNOWN


# The file itself

ROW = (
    "`2026-11-22 10:00:00,`wx1,`1900000001,`0,`,`42001,`P1,`o1,`NATIVE,`SUCCESS,`OTHERS,`CNY,"
    "`95.50,`0.00,`0,`0,`0.00,`0.00,`,`,`点卡, 50 元,`,`0.57300,`0.60%,`95.50,`0.00,`"
)
SUM = "`1.0,`95.50,`0.00,`0.0,`0.57,`95.50,`0.00"


def file_of(*rows: str, head: str = HEAD, totals: str = TOTALS, last: str = SUM) -> bytes:
    return "\n".join([head, *rows, totals, last, ""]).encode()


def test_a_comma_in_a_name_and_fees_finer_than_fen_are_read() -> None:
    (line,) = read_bill(file_of(ROW), "1900000001")
    assert (line.amount, line.fee) == (Money.from_fen(9550), Money(5730))
    assert line.at == datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def test_what_a_coupon_paid_belongs_to_the_amount() -> None:
    paid = ROW.replace("CNY,`95.50,`0.00", "CNY,`90.00,`5.50")
    back = (
        "`2026-11-22 11:00:00,`wx1,`1900000001,`0,`,`42001,`P1,`o1,`NATIVE,`REFUND,`OTHERS,`CNY,"
        "`0.00,`0.00,`50301,`R1,`27.00,`0.00,`ORIGINAL,`SUCCESS,`点卡,`,`-0.16,`0.60%,`0.00,`30.00,`"
    )
    sums = "`2.0,`90.00,`27.00,`0.0,`0.41,`95.50,`30.00"
    payment, refund = read_bill(file_of(paid, back, last=sums), "1900000001")
    assert (payment.amount, refund.amount) == (Money.from_fen(9550), Money.from_fen(3000))
    assert (refund.refund_no, refund.refund_ref, refund.fee) == ("R1", "50301", Money.from_fen(16))


def test_backticks_before_names_and_a_mark_at_the_beginning_do_no_harm() -> None:
    head, totals = ("`" + text.replace(",", ",`") for text in (HEAD, TOTALS))
    plain = b"\xef\xbb\xbf" + file_of(ROW, head=head, totals=totals).replace(b"\n", b"\r\n")
    assert len(read_bill(plain, "1900000001")) == 1


def test_an_empty_bill_with_its_totals_is_fine() -> None:
    assert read_bill(file_of(last="`0,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00"), "1") == []


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\xff\xfe",
        HEAD.encode(),
        file_of(ROW, last=""),
        file_of(ROW, head=HEAD.replace("订单金额", "总金额")),
        file_of(ROW, ROW),
        file_of(last=SUM),
        file_of(ROW, last=SUM.replace("`95.50,`0.00", "`95.51,`0.00")),
        file_of(ROW, last=SUM[:-1] + "1"),
        file_of(ROW, last=SUM.replace("`1.0", "`2.0")),
        file_of(ROW + ",`more"),
        file_of(ROW.removeprefix("`")),
        file_of(ROW.replace("CNY", "USD")),
        file_of(ROW.replace("1900000001", "1900000002")),
        file_of(ROW.replace("10:00:00", "25:00:00")),
        file_of(ROW.replace("0.57300", "０.57300")),
        file_of(ROW.replace("0.57300", "1e3")),
        file_of(ROW.replace("0.57300", "0.57301")),
        file_of(ROW) + SUM.encode(),
    ],
)
def test_an_odd_file_is_refused_as_a_whole(plain: bytes) -> None:
    with pytest.raises(Unreadable):
        read_bill(plain, "1900000001")


def test_the_hash_is_over_what_is_not_packed() -> None:
    plain = file_of(ROW)
    sha1 = hashlib.sha1(plain).hexdigest()
    packed = gzip.compress(plain)
    assert unpacked(plain, sha1) == unpacked(packed, sha1.upper()) == plain
    for damaged in (packed[:-9], plain[:-1], packed[:2], hashlib.sha1(packed).digest(), b""):
        with pytest.raises(Unreadable):
            unpacked(damaged, sha1)
    with pytest.raises(Unreadable, match="SHA1"):
        unpacked(packed, hashlib.sha1(packed).hexdigest())


def test_a_file_that_grows_without_end_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng_payment_wechatpay.bills.MOST_BYTES", 1000)
    with pytest.raises(Unreadable, match="too long"):
        unpacked(gzip.compress(b"0" * 10_000), "")
