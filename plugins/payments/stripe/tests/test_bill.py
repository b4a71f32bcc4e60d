"""The day's bill by plugin and simulator, with the official client as a second reader."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import stripe

from kameng_payment_stripe import bill
from kameng_payment_stripe.bill import CHINA, Bill, span_of
from kameng_payment_stripe.simulator.store import BILL_LEVERS
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine, PaymentCapability, RefundRequest

NOBODY = stripe.StripeClient("sk_test_0")
FEE = 277  # 2.9 % of 95.50 yuan, rounded


@pytest.fixture(autouse=True)
def tomorrow(scene: Any) -> Iterator[date]:
    """The plugin's clock stands one day later: the simulator's today is over."""
    scene.clock.moved = timedelta(days=1, hours=2)
    yield today()
    scene.settings(**dict.fromkeys(BILL_LEVERS, ""))


def today() -> date:
    return datetime.now(CHINA).date()


@pytest.fixture
def client(scene: Any) -> stripe.StripeClient:
    key = str(scene.simulator.demo_config()["secret_key"])
    addresses: Any = {"api": scene.url}
    return stripe.StripeClient(key, base_addresses=addresses, max_network_retries=0)


def paid(scene: Any, attempt_no: str) -> str:
    """The reference of a paid attempt."""
    _, ref = scene.open(attempt_no)
    scene.control(attempt_no, "pay")
    return str(ref)


def give_back(scene: Any, attempt_no: str, ref: str, refund_no: str, fen: int = 9550) -> None:
    request = RefundRequest(
        attempt_no=attempt_no, provider_ref=ref, refund_no=refund_no,
        amount=Money.from_fen(fen), total=Money.from_fen(9550),
    )  # fmt: skip
    assert scene.provider().refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED


def lines_of(scene: Any, *attempts: str) -> list[BillLine]:
    result = scene.provider().bill(scene.ctx(), today())
    assert result.outcome is Outcome.SUCCEEDED
    return [line for line in result.lines if line.attempt_no in attempts]


def test_payments_and_refunds_stand_with_our_numbers_and_the_real_fee(scene: Any) -> None:
    give_back(scene, "b1", paid(scene, "b1"), "RB1", 3000)
    assert PaymentCapability.BILL in scene.provider().capabilities
    taken, given = lines_of(scene, "b1")
    intent = scene.order("b1")["payment_intent"]
    assert (taken.amount, taken.fee) == (Money.from_fen(9550), Money.from_fen(FEE))
    assert (taken.is_refund, taken.done, taken.provider_ref) == (False, True, intent)
    assert (given.amount, given.fee) == (Money.from_fen(3000), Money.zero())
    assert (given.is_refund, given.refund_no, given.provider_ref) == (True, "RB1", intent)
    assert given.refund_ref == scene.order("b1")["refunds"][0]["id"]
    assert datetime.now(UTC) - taken.at < timedelta(minutes=5)


def test_a_second_payment_is_a_line_of_its_own(scene: Any) -> None:
    scene.open("b2")
    scene.control("b2", "pay_twice")
    first, second = lines_of(scene, "b2")
    assert first.provider_ref != second.provider_ref


def test_a_day_is_chinas_and_has_no_bill_before_it_is_over(scene: Any) -> None:
    paid(scene, "b3")
    provider = scene.provider()
    assert span_of(date(2026, 3, 1))[0] == datetime(2026, 2, 28, 16, tzinfo=UTC)
    before = provider.bill(scene.ctx(), today() - timedelta(days=1))
    assert (before.outcome, list(before.lines)) == (Outcome.SUCCEEDED, [])
    late = span_of(today())[1] + timedelta(minutes=59) - datetime.now(UTC)
    scene.clock.moved = late
    assert provider.bill(scene.ctx(), today()).outcome is Outcome.PENDING
    scene.clock.moved = late + timedelta(minutes=2)
    assert provider.bill(scene.ctx(), today()).outcome is Outcome.SUCCEEDED


def test_planted_differences_are_in_the_bill(scene: Any) -> None:
    for number in ("m1", "m2", "m3", "m4"):
        paid(scene, number)
    give_back(scene, "m5", paid(scene, "m5"), "RM5")
    scene.settings(
        bill_missing="m1", bill_extra="m2", bill_amount="m3", bill_state="m4",
        bill_refund_missing="RM5",
    )  # fmt: skip
    found = lines_of(scene, "m1", "m2", "Xm2", "m3", "m4", "m5")
    assert [(line.attempt_no, line.amount.to_fen(), line.done) for line in found] == [
        ("m2", 9550, True), ("Xm2", 9550, True), ("m3", 9551, True), ("m4", 9550, False),
        ("m5", 9550, True),
    ]  # fmt: skip
    scene.settings(bill_missing="", bill_refund_missing="m5")
    assert [line.is_refund for line in lines_of(scene, "m1", "m5")] == [False, False]


def test_a_refund_made_by_hand_is_known_by_its_payment(
    scene: Any, client: stripe.StripeClient
) -> None:
    paid(scene, "hand")
    intent = scene.order("hand")["payment_intent"]
    made = client.v1.refunds.create({"payment_intent": intent, "amount": 100})
    refunds = [line for line in lines_of(scene, "hand") if line.is_refund]
    assert [(line.refund_no, line.refund_ref) for line in refunds] == [("", made.id)]
    entries = client.v1.balance_transactions.list({"limit": 1, "expand": ["data.source"]})
    reader = Bill(client)  # as if the payment were another day's
    assert reader._line(entries.data[0].to_dict()) == refunds[0]


def test_what_others_sell_on_the_account_is_left_out(
    scene: Any, client: stripe.StripeClient
) -> None:
    price = {"currency": "cny", "unit_amount": 700, "product_data": {"name": "mug"}}
    made = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],  # type: ignore[typeddict-item]  # a plain dict will do
            "success_url": "https://shop.test/ok",
        }
    )
    scene.web.post(f"{scene.url}/control/{made.id}/pay").raise_for_status()
    intent = client.v1.checkout.sessions.retrieve(made.id).payment_intent
    client.v1.refunds.create({"payment_intent": str(intent)})
    result = scene.provider().bill(scene.ctx(), today())
    assert intent not in {line.provider_ref for line in result.lines}


def test_the_official_client_reads_the_same_bill(scene: Any, client: stripe.StripeClient) -> None:
    give_back(scene, "o1", paid(scene, "o1"), "RO1")
    start, end = (int(moment.timestamp()) for moment in span_of(today()))
    created: Any = {"gte": start, "lt": end}
    page = client.v1.balance_transactions.list(
        {"created": created, "limit": 1, "expand": ["data.source"]}
    )
    entries = [entry for entry in page.auto_paging_iter() if entry.type in ("charge", "refund")]
    assert len({entry.id for entry in entries}) == len(entries)
    assert all(entry.net == entry.amount - entry.fee for entry in entries)
    refund, charge = entries[0].source, entries[1].source
    assert isinstance(refund, stripe.Refund)
    assert isinstance(charge, stripe.Charge)
    assert (refund.metadata or {})["refund_no"] == "RO1"
    assert charge.metadata["attempt_no"] == "o1"
    assert charge.balance_transaction == entries[1].id
    bare = client.v1.balance_transactions.list({"type": "refund", "limit": 1}).data[0]
    assert (bare.source, bare.amount, bare.fee) == (refund.id, -9550, 0)
    tomorrow: Any = {"gte": end}
    assert not client.v1.balance_transactions.list({"created": tomorrow}).data


def test_many_pages_are_read_to_the_end_or_not_at_all(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(scene, "p1")
    paid(scene, "p2")
    whole = scene.provider().bill(scene.ctx(), today()).lines
    monkeypatch.setattr(bill, "PAGE", 1)
    assert scene.provider().bill(scene.ctx(), today()).lines == whole
    monkeypatch.setattr(bill, "MOST_ENTRIES", 1)
    with pytest.raises(HttpOutcomeUnknown, match="more than 1 entries"):
        scene.provider().bill(scene.ctx(), today())


def entry(**changes: Any) -> dict[str, Any]:
    charge = {
        "id": "ch_1", "object": "charge", "amount": 500, "currency": "cny", "status": "succeeded",
        "payment_intent": "pi_1", "metadata": {"attempt_no": "a1"},
    }  # fmt: skip
    made = {
        "id": "txn_1", "type": "charge", "amount": 500, "fee": 15, "currency": "cny",
        "created": 1_790_000_000, "source": charge | changes.pop("source", {}),
    }  # fmt: skip
    return json.loads(json.dumps(made)) | changes  # type: ignore[no-any-return]  # an object it is


def test_an_account_that_settles_in_another_currency_tells_no_fee() -> None:
    line = Bill(NOBODY)._line(entry(currency="hkd", amount=540, fee=16))
    assert line is not None
    assert (line.amount, line.fee) == (Money.from_fen(500), None)


def test_a_fee_that_came_back_is_told_of_its_refund() -> None:
    source = {"id": "re_1", "object": "refund", "metadata": {"attempt_no": "a1", "refund_no": "R"}}
    line = Bill(NOBODY)._line(entry(type="payment_refund", amount=-500, fee=-15, source=source))
    assert line is not None
    assert (line.amount, line.fee, line.refund_no) == (Money.from_fen(500), Money.from_fen(15), "R")


@pytest.mark.parametrize(
    "changes",
    [
        {"source": {"currency": "usd"}}, {"amount": "500"}, {"amount": 0}, {"fee": None},
        {"created": None},
    ],
)  # fmt: skip
def test_a_line_of_ours_that_is_not_readable_spoils_the_whole_bill(changes: dict[str, Any]) -> None:
    with pytest.raises(HttpOutcomeUnknown, match="txn_1"):
        Bill(NOBODY)._line(entry(**changes))


def test_an_entry_without_its_source_is_doubt_and_others_are_no_business_of_ours() -> None:
    with pytest.raises(HttpOutcomeUnknown, match="source"):
        Bill(NOBODY)._line(entry() | {"source": "ch_1"})
    assert Bill(NOBODY)._line({"id": "txn_2", "type": "payout", "source": "po_1"}) is None
    assert Bill(NOBODY)._line(entry(source={"metadata": {}, "currency": "usd"})) is None


def test_a_wrong_key_tells_nothing_of_the_day(scene: Any) -> None:
    stranger = scene.provider(secret_key="sk_test_wrong")
    assert stranger.bill(scene.ctx(), today()).outcome is Outcome.UNKNOWN
