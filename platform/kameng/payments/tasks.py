"""Jobs of payments: ask the gateway, send refunds."""

from typing import Any

from kameng.jobs import actor, every, subscribe
from kameng.payments.api import (
    claim_due_queries,
    close_attempts,
    compare_again,
    due_bills,
    due_refunds,
    fetch_bill,
    fund_waiting_orders,
    plan_bills,
    query_attempt,
    send_refund,
    yesterday,
)


@actor(queue="money", scope="none", max_retries=0)
def ask_gateway(station_id: int, attempt_id: int) -> str:
    """Ask once about one attempt; the next question is planned already."""
    return query_attempt(station_id, attempt_id)


@every(seconds=2)
def ask_due_attempts() -> int:
    """Hand every attempt whose question is due to a worker."""
    due = claim_due_queries()
    for station_id, attempt_id in due:
        ask_gateway.send(station_id, attempt_id)
    return len(due)


@actor(queue="money", scope="none", max_retries=0)
def push_refund(station_id: int, refund_id: int) -> str:
    """One step of one refund."""
    return send_refund(station_id, refund_id)


@subscribe("refund.created", queue="money", scope="none")
def refund_created(station_id: int, payload: dict[str, Any]) -> None:
    """Send a new refund at once."""
    send_refund(station_id, int(payload["refund_id"]))


@every(seconds=5)
def push_due_refunds() -> int:
    """Refunds that are not through yet are asked about, or sent again under the same number."""
    due = due_refunds()
    for station_id, refund_id in due:
        push_refund.send(station_id, refund_id)
    return len(due)


@subscribe("order.expired", queue="money", scope="none")
def close_expired(station_id: int, payload: dict[str, Any]) -> None:
    """An order ran out of time: its attempts should not be payable any more."""
    close_attempts(station_id, int(payload["order_id"]))


@subscribe("order.cancelled", queue="money", scope="none")
def close_cancelled(station_id: int, payload: dict[str, Any]) -> None:
    """The shopper cancelled: likewise."""
    close_attempts(station_id, int(payload["order_id"]))


DAY_S, BILLS_S = 86_400, 2 * 3600 + 300  # 10:05 in China: gateways have yesterday's bill by then


@every(seconds=DAY_S, offset_s=BILLS_S, lease_s=3600, queue="bulk", scope="none")
def plan_daily_bills() -> int:
    """Yesterday's bills are due, and those of the last days are looked at anew."""
    compare_again()
    return plan_bills(yesterday())


@actor(queue="bulk", scope="none", max_retries=0)
def ask_for_bill(station_id: int, bill_id: int) -> str:
    """Ask for one bill; the next try is planned already."""
    return fetch_bill(station_id, bill_id)


@every(seconds=60)
def ask_for_due_bills() -> int:
    """Hand every bill that is due to a worker."""
    due = due_bills()
    for station_id, bill_id in due:
        ask_for_bill.send(station_id, bill_id)
    return len(due)


@every(seconds=10, name="fund_waiting_orders")
def fund_orders() -> int:
    """Orders that wait for their station's prepaid money go on, or are given back."""
    return sum(fund_waiting_orders())


@subscribe("station.paid_in", queue="money", scope="main")
def funds_arrived(_station_id: int, _payload: dict[str, Any]) -> None:
    """A station has filled its prepaid account: what waited for it goes on at once."""
    fund_waiting_orders()
