"""R9: differences planted in the bills that gateways really give, each in the worklist by its class."""

from datetime import UTC, datetime, timedelta

import pytest

from kameng.db import main_scope
from kameng.settings import Settings

from .sales import Sale, Sales
from .street import Street

# Stripe has no bill of today, and time cannot be moved at a gateway.
pytestmark = pytest.mark.parametrize(
    "gate", ["alipay", "wechatpay-public-key", "unionpay"], indirect=True, scope="module"
)


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


def reconciled(sales: Sales) -> list[tuple[str, str]]:
    """Fetch and compare today's bill of the gate; class and kind of every difference."""
    from kameng.payments import api as payments

    today = (datetime.now(UTC) + timedelta(hours=8)).date()
    with sales.shop.app.app_context():
        payments.plan_bills(today)
        with main_scope(reason="test"):
            due = payments.due_bills(today)
        for station, bill in due:
            payments.fetch_bill(station, bill, now=True)
    rows = sales.shop.owner.execute(
        "SELECT d.class, d.kind FROM bill_difference d JOIN bill b ON b.station_id = d.station_id"
        " AND b.id = d.bill_id WHERE b.plugin_id = %s AND d.state = 'open' ORDER BY 1, 2",
        (sales.gate.plugin_id,),
    )
    return [tuple(row) for row in rows.fetchall()]


def sold(sales: Sales) -> Sale:
    sale = sales.begin()
    sales.pay(sale)
    assert sales.state(sale) == "delivered"
    return sale


def test_R9_five_planted_differences_are_five_lines_of_the_worklist(sales: Sales) -> None:
    missing, extra, amount, given_back, sound = (sold(sales) for _ in range(5))
    # UnionPay's bill tells no states: there an order that nobody has paid is listed as paid.
    unpaid = sales.gate.name == "unionpay"
    state = sales.begin() if unpaid else sold(sales)
    refund = sales.refund(given_back, given_back.fen * 30 // 100)
    sales.refund(sound, sound.fen)
    sales.do_jobs()
    assert [row[2] for row in sales.refunds(given_back) + sales.refunds(sound)] == ["succeeded"] * 2
    sales.gate.move(
        bill_missing=missing.attempt_no, bill_extra=extra.attempt_no, bill_amount=amount.attempt_no,
        bill_state=state.attempt_no, bill_refund_missing=refund,
    )  # fmt: skip
    assert reconciled(sales) == sorted([
        ("amount", "payment"), ("ours_only", "payment"), ("ours_only", "refund"),
        ("theirs_only" if unpaid else "state", "payment"), ("theirs_only", "payment"),
    ])  # fmt: skip
    sales.shop.assert_books_balance()
