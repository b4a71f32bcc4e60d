"""The books beside the bills of the gateways: nothing differs in silence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.payments import api as payments
from kameng.payments.services import billing, reconciling
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine, PaymentCapability

DEER, PLUGIN = 3, "payment-epay"
DAYS = itertools.count(1, 3)  # every test has days of its own, far enough from the others'


@dataclass
class Gateway:
    """The other side: what its bills say, and what it answers when it is asked."""

    day: date
    ready: bool = True
    lines: dict[date, list[BillLine]] = field(default_factory=dict)
    paid: dict[str, tuple[str, int]] = field(default_factory=dict)
    capabilities: PaymentCapability = PaymentCapability.BILL | PaymentCapability.QUERY
    asked: list[date] = field(default_factory=list)

    def __call__(self, holder: int, plugin_id: str, account: str) -> Gateway:
        if (holder, plugin_id) != (1, PLUGIN):
            return Gateway(self.day, capabilities=PaymentCapability.QUERY)
        return self

    def bill(self, day: date) -> Any:
        self.asked.append(day)
        if not self.ready:
            return SimpleNamespace(outcome=Outcome.PENDING, value=None, message="not ready")
        value = SimpleNamespace(lines=self.lines.get(day, []), message="")
        return SimpleNamespace(outcome=Outcome.SUCCEEDED, value=value, message="")

    def query(self, number: str, ref: str) -> Any:
        if number not in self.paid:
            return SimpleNamespace(outcome=Outcome.UNKNOWN, value=None)
        found, amount = self.paid[number]
        value = SimpleNamespace(provider_ref=found, amount=Money(amount))
        return SimpleNamespace(outcome=Outcome.SUCCEEDED, value=value)

    def takes(
        self, number: str, amount: int, ref: str, day: date | None = None, **changes: Any
    ) -> None:
        at = datetime.combine(day or self.day, datetime.min.time(), UTC)
        line = BillLine(attempt_no=number, provider_ref=ref, amount=Money(amount), at=at, **changes)
        self.lines.setdefault(day or self.day, []).append(line)


@pytest.fixture
def gateway(shop: Any) -> Iterator[Gateway]:
    """A day on which nothing has happened yet, with a gateway that agrees."""
    day = payments.yesterday() - timedelta(days=next(DAYS))
    shop.plant(
        "INSERT INTO station_plugin(station_id, plugin_id, enabled, token) "
        "VALUES (1, 'payment-epay', true, 'billed') ON CONFLICT DO NOTHING"
    )
    yield Gateway(day)
    shop.plant(
        "DELETE FROM bill_line; DELETE FROM bill_difference; DELETE FROM bill WHERE fee_posted = 0"
    )


@pytest.fixture
def code(shop: Any) -> str:
    return str(shop.sku(cards=6))


def sale(
    shop: Any,
    gateway: Gateway,
    code: str,
    at: str = "12:00",
    *,
    billed: bool = True,
    fee: int = 0,
    **line: Any,
) -> str:
    """A paid order of the gateway's day; returns the attempt's number."""
    placed = shop.place(code)
    number = str(shop.attempt(DEER, placed.payable, order=placed.order_id, fee=fee))
    shop.pay(DEER, number, placed.payable)
    shop.plant(
        f"UPDATE payment_attempt SET paid_at = '{gateway.day} {at} +08' WHERE attempt_no = '{number}'"
    )
    if billed:
        gateway.takes(number, line.pop("amount", placed.payable), f"gw-{number}", **line)
    return number


def reconcile(shop: Any, gateway: Gateway, day: date | None = None) -> list[Any]:
    """Plan, fetch and compare a day; returns the open differences."""
    with shop.app.app_context():
        payments.plan_bills(day or gateway.day, gateway)
        with main_scope(reason="test"):
            due = payments.due_bills(day or gateway.day)
        for station, bill in due:
            assert payments.fetch_bill(station, bill, gateway) == "compared"
        return worklist(shop)


def worklist(shop: Any, state: str = "open") -> list[Any]:
    with shop.app.app_context(), main_scope(reason="test"):
        return payments.differences(state)


def again(shop: Any) -> None:
    with shop.app.app_context(), main_scope(reason="test"):
        found = payments.bills()
    with shop.app.app_context():
        for bill in found:
            payments.compare_bill(bill.station_id, bill.id)


def kinds(found: list[Any]) -> set[tuple[str, str]]:
    return {(d.class_, d.kind) for d in found}


def test_R9_a_day_that_agrees_leaves_no_work_and_a_day_without_movement_neither(
    shop: Any, gateway: Gateway, code: str
) -> None:
    sale(shop, gateway, code)
    assert reconcile(shop, gateway) == []
    assert reconcile(shop, gateway, gateway.day + timedelta(days=1)) == []
    with shop.app.app_context(), main_scope(reason="test"):
        newest, first = payments.bills()
        assert (first.state, first.lines, first.collected, first.our_collected) == (
            "compared", 1, 98_6100, 98_6100,
        )  # fmt: skip
        assert (newest.lines, newest.collected, newest.open) == (0, 0, 0)
    shop.assert_books_balance()


def test_R9_five_planted_differences_stand_in_the_worklist(
    shop: Any, gateway: Gateway, code: str
) -> None:
    ours = sale(shop, gateway, code, billed=False)
    other = sale(shop, gateway, code, amount=98_6000)
    failed = sale(shop, gateway, code, done=False)
    gateway.takes("T-unknown", 5_0000, "gw-unknown")
    gateway.takes("T-none", 7_0000, "gw-x", refund_no="R-unknown", refund_ref="rr")
    found = {(d.class_, d.kind): d for d in reconcile(shop, gateway)}
    assert set(found) == {
        ("ours_only", "payment"), ("amount", "payment"), ("state", "payment"),
        ("theirs_only", "payment"), ("theirs_only", "refund"),
    }  # fmt: skip
    assert found["ours_only", "payment"].key == f"{ours}:gw-{ours}"
    assert (found["amount", "payment"].ours, found["amount", "payment"].theirs) == (
        98_6100,
        98_6000,
    )
    assert other in found["amount", "payment"].key
    assert found["state", "payment"].detail["attempt_no"] == failed
    assert found["theirs_only", "refund"].theirs == 7_0000
    assert (
        shop.one("SELECT count(*) FROM alert WHERE kind = 'reconciliation' AND state = 'open'") == 1
    )
    with shop.app.app_context(), main_scope(reason="test"):
        (bill,) = payments.bills()
        assert (bill.open, sum(bill.counts.values())) == (5, 5)
    again(shop)
    assert len(worklist(shop)) == 5
    assert shop.one("SELECT count(*) FROM bill_difference") == 5


def test_R9_around_midnight_the_neighbours_bill_counts(
    shop: Any, gateway: Gateway, code: str
) -> None:
    number = sale(shop, gateway, code, "23:59:30", billed=False)
    after = gateway.day + timedelta(days=1)
    gateway.takes(number, 98_6100, f"gw-{number}", after)
    assert reconcile(shop, gateway) == []
    assert reconcile(shop, gateway, after) == []
    early = sale(shop, gateway, code, "00:00:20", billed=False)
    again(shop)
    assert [d.detail["attempt_no"] for d in worklist(shop)] == [early]


def test_R9_what_only_the_gateway_knows_is_taken_in_with_one_click(
    shop: Any, gateway: Gateway, code: str
) -> None:
    placed = shop.place(code)
    number = shop.attempt(DEER, placed.payable, order=placed.order_id)
    gateway.takes(number, placed.payable, "gw-late")
    (found,) = reconcile(shop, gateway)
    assert (found.class_, found.deeds[0]) == ("theirs_only", "apply")
    with shop.app.app_context(), pytest.raises(DomainError) as refusal:
        payments.apply_difference(1, found.id, "staff:1", find=gateway)
    assert refusal.value.code == "not_answered"
    gateway.paid[number] = ("gw-late", placed.payable)
    with shop.app.app_context():
        assert payments.apply_difference(1, found.id, "staff:1", find=gateway) == "ok"
    assert shop.state(DEER, placed.order_id) == "delivered"
    (done,) = worklist(shop, "resolved")
    assert (done.resolution, done.resolved_by) == ("applied", "staff:1")
    shop.assert_books_balance()
    with shop.app.app_context(), pytest.raises(DomainError) as refusal:
        payments.apply_difference(1, found.id, "staff:1", find=gateway)
    assert refusal.value.code == "repeat"
    assert (
        shop.one("SELECT count(*) FROM alert WHERE kind = 'reconciliation' AND state = 'open'") == 0
    )


def test_R9_a_payment_made_twice_is_matched_by_its_refund(
    shop: Any, gateway: Gateway, code: str
) -> None:
    number = sale(shop, gateway, code)
    amount = shop.one("SELECT amount FROM payment_attempt WHERE attempt_no = %s", number)
    assert shop.pay(DEER, number, amount, ref="gw-second")["code"] == "refund_surplus"
    shop.plant(
        f"UPDATE refund SET created_at = '{gateway.day} 13:00 +08' WHERE provider_ref = 'gw-second'"
    )
    gateway.takes(number, amount, "gw-second")
    gateway.takes(number, amount, "gw-third")
    (found,) = reconcile(shop, gateway)
    assert (found.class_, found.key) == ("theirs_only", f"{number}:gw-third")


def test_R9_refunds_are_compared_by_their_number(shop: Any, gateway: Gateway, code: str) -> None:
    states = {}
    for state in ("succeeded", "declined", "unbilled"):
        number = sale(shop, gateway, code)
        order = shop.one(
            "SELECT o.order_no FROM orders o JOIN payment_attempt a ON a.order_id = o.id WHERE a.attempt_no = %s",
            number,
        )
        row = shop.guarded(
            "refund_order",
            p_station=DEER,
            p_order_no=order,
            p_amount=10_0000,
            p_note="n",
            p_actor="staff:1",
            p_key=state,
        )
        said = "declined" if state == "declined" else "succeeded"
        shop.guarded(
            "settle_refund",
            p_station=DEER,
            p_refund_no=row["refund_no"],
            p_state=said,
            p_ref="",
            p_message="",
            p_next=timedelta(0),
        )
        states[state] = row["refund_no"]
        if state != "unbilled":
            gateway.takes(number, 10_0000, f"gw-{number}", refund_no=row["refund_no"])
    shop.plant(f"UPDATE refund SET done_at = '{gateway.day} 14:00 +08' WHERE done_at IS NOT NULL")
    found = {d.key: d for d in reconcile(shop, gateway)}
    assert {key: d.class_ for key, d in found.items()} == {
        states["declined"]: "state", states["unbilled"]: "ours_only",
    }  # fmt: skip
    assert found[states["declined"]].deeds[0] == "retry_refund"
    with shop.app.app_context():
        assert payments.push_refund_again(1, found[states["declined"]].id, "staff:1") == "unknown"
    assert kinds(worklist(shop)) == {("ours_only", "refund")}
    again(shop)
    assert kinds(worklist(shop)) == {("ours_only", "refund")}, "a day is left for the answer"
    shop.plant(
        "UPDATE bill_difference SET resolved_at = now() - interval '1 day' WHERE state = 'resolved'"
    )
    again(shop)
    assert kinds(worklist(shop)) == {("ours_only", "refund"), ("state", "refund")}


def test_R9_a_word_needs_a_reason_and_what_is_explained_stays_closed(
    shop: Any, gateway: Gateway, code: str
) -> None:
    sale(shop, gateway, code, billed=False)
    (found,) = reconcile(shop, gateway)
    with shop.app.app_context(), main_scope(reason="test"):
        with pytest.raises(DomainError) as refusal:
            payments.close_difference(1, found.id, "ignored", " ", "staff:1")
        assert refusal.value.code == "note_missing"
        payments.close_difference(1, found.id, "ignored", "test payment", "staff:1")
    again(shop)
    assert worklist(shop) == []
    assert shop.one("SELECT count(*) FROM audit_event WHERE action = 'bill.ignored'") == 1


def test_R9_a_difference_goes_into_the_books_with_two_people(
    shop: Any, gateway: Gateway, code: str
) -> None:
    sale(shop, gateway, code, amount=98_0100)
    (found,) = reconcile(shop, gateway)
    with shop.app.app_context(), main_scope(reason="test"):
        payments.request_posting(1, found.id, "the gateway rounds", "staff:1")
        assert payments.difference(1, found.id).asked
        with pytest.raises(DomainError):
            payments.request_posting(1, found.id, "again", "staff:1")
        (asked,) = identity.approvals(kind="bill_difference")
        with pytest.raises(DomainError):
            identity.vote(1, asked.id, "staff:1", True)
        assert identity.vote(1, asked.id, "staff:2", False, "why?") == "refused"
        payments.request_posting(1, found.id, "they confirm it", "staff:1")
        (asked,) = identity.approvals(kind="bill_difference")
        assert asked.amount == 6000
        assert identity.vote(1, asked.id, "staff:2", True) == "approved"
    assert shop.balance(1, "gateway_difference") == -6000
    (done,) = worklist(shop, "resolved")
    assert (done.resolution, done.posted) == ("posted", 6000)
    again(shop)
    assert worklist(shop) == []
    shop.assert_books_balance()
    undo(shop)


def undo(shop: Any) -> None:
    """The fixture clears bills: what was posted for them goes too."""
    shop.plant(
        "DELETE FROM transfer WHERE kind = 'bill.difference'; DELETE FROM approval_vote; DELETE FROM approval"
    )


def test_R9_real_fees_are_taken_over_once_a_day(shop: Any, gateway: Gateway, code: str) -> None:
    before = shop.balance(1, "gateway_fee")
    number = sale(shop, gateway, code, billed=False, fee=5900)
    gateway.takes(number, 98_6100, f"gw-{number}", fee=Money(6100))
    assert reconcile(shop, gateway) == []
    assert shop.balance(1, "gateway_fee") - before == -6100
    again(shop)
    again(shop)
    assert shop.balance(1, "gateway_fee") - before == -6100
    assert shop.one("SELECT count(*) FROM transfer WHERE kind = 'bill.fee'") == 1
    shop.assert_books_balance()


def test_R9_a_bill_that_is_not_ready_is_asked_for_later_and_later(
    shop: Any, gateway: Gateway, code: str
) -> None:
    gateway.ready = False
    with shop.app.app_context():
        payments.plan_bills(gateway.day, gateway)
        with main_scope(reason="test"):
            ((station, bill),) = payments.due_bills(gateway.day)
        assert payments.fetch_bill(station, bill, gateway) == "due"
        assert payments.fetch_bill(station, bill, gateway) == "not_due"
    waits = shop.one("SELECT extract(epoch FROM next_try_at - now()) FROM bill WHERE id = %s", bill)
    assert 500 < waits <= 600
    shop.plant("UPDATE bill SET next_try_at = now()")
    gateway.ready = True
    with shop.app.app_context():
        assert payments.fetch_bill(station, bill, gateway) == "compared"
    assert len(gateway.asked) == 2


def test_R9_a_day_nobody_ever_gives_a_bill_of_was_empty_if_nothing_of_ours_moved(
    shop: Any, gateway: Gateway, code: str
) -> None:
    gateway.ready = False
    with shop.app.app_context():
        payments.plan_bills(gateway.day, gateway)
        with main_scope(reason="test"):
            ((station, bill),) = payments.due_bills(gateway.day)
        shop.plant("UPDATE bill SET tries = 9")
        sale(shop, gateway, code)
        assert payments.fetch_bill(station, bill, gateway) == "due"
        shop.plant(
            "UPDATE payment_attempt SET paid_at = now() WHERE paid_at < now() - interval '1 hour'"
        )
        shop.plant("UPDATE bill SET next_try_at = now()")
        assert payments.fetch_bill(station, bill, gateway) == "compared"


def test_R9_days_that_were_missed_are_made_up_for(shop: Any, gateway: Gateway) -> None:
    with shop.app.app_context():
        assert payments.plan_bills(gateway.day, gateway) == 1
        assert payments.plan_bills(gateway.day, gateway) == 0
        assert payments.plan_bills(gateway.day + timedelta(days=3), gateway) == 3


def test_a_bill_counts_a_line_that_stands_in_it_twice(
    shop: Any, gateway: Gateway, code: str
) -> None:
    number = sale(shop, gateway, code)
    gateway.takes(number, 98_6100, f"gw-{number}")
    (found,) = reconcile(shop, gateway)
    assert (found.class_, found.key) == ("theirs_only", f"{number}:gw-{number}#2")


def test_billing_finds_its_provider_by_the_plugins_host(shop: Any) -> None:
    with shop.app.app_context(), pytest.raises(DomainError):
        billing.biller(1, "payment-nowhere", "")
    assert reconciling.REFUSALS["not_paid"]


def test_the_command_says_what_is_missing_and_refuses_a_day_that_is_not_over(shop: Any) -> None:
    from kameng.ops.bills import reconcile as command
    from kameng.ops.errors import OpsError

    with shop.app.app_context():
        for day in ("nonsense", "2999-01-01"):
            with pytest.raises(OpsError):
                command(day)
        text, agrees = command("2020-01-01")
    assert agrees
    assert text == "no account has a bill of 2020-01-01"
