"""One order's money, followed through the console from the notice to the payout; and the bills."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from kameng.db import call, db, main_scope, run, station_scope
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine, PaymentCapability

YE, PLUGIN = 2, "payment-epay"


@dataclass
class Sold:
    """The order that is followed."""

    number: str
    attempt: str
    payable: int
    refund: str = ""
    withdrawal: str = ""

    @property
    def page(self) -> str:
        return f"/admin/trail/{YE}/{self.number}"


def guarded(console: Any, function: str, **given: Any) -> dict[str, Any]:
    with console.market.app.app_context(), main_scope(reason="test"):
        row = run(function, **given)[0]
        db.session.commit()
        return row


def one(console: Any, sql: str, *values: Any) -> Any:
    row = console.market.owner.execute(sql, values).fetchone()
    return row[0] if row else None


@pytest.fixture(scope="module")
def sold(console: Any) -> Sold:
    """Sold by a station, part given back, released, withdrawn and billed."""
    order = _placed(console)
    _paid(console, order)
    order.refund = guarded(
        console, "refund_order", p_station=YE, p_order_no=order.number, p_amount=5_0000,
        p_note="late", p_actor="staff:1", p_key="k",
    )["refund_no"]  # fmt: skip
    guarded(
        console, "settle_refund", p_station=YE, p_refund_no=order.refund, p_state="succeeded",
        p_ref="rr", p_message="", p_next=timedelta(0),
    )  # fmt: skip
    _taken_out(console, order)
    _billed(console, order)
    return order


def _placed(
    console: Any, station: int = YE, number: str = "2611000000009999", key: str = "trail"
) -> Sold:
    from kameng.orders.api import PlaceRequest, place, quote

    with console.market.app.app_context(), station_scope(station):
        payable = quote("XH30", 1).payable
        placed = place(
            PlaceRequest(
                sku_code="XH30", quantity=1, inputs={}, contact="13800136021",
                idempotency_key=key, ip="192.0.2.1", expected_payable=payable,
            ),
            ("allow", []),
        )  # fmt: skip
    console.market.owner.execute(
        "INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, plugin_id, method,"
        " amount, fee, state, expires_at) VALUES (%s, %s, 'order', %s, 'payment-epay', 'alipay',"
        " %s, 2000, 'sent', now() + interval '1 hour')",
        (station, number, placed.order_id, payable),
    )
    return Sold(placed.order_no, number, payable)


def _paid(console: Any, order: Sold, station: int = YE, ref: str = "gw-trail") -> None:
    for _copy in range(2):
        with console.market.app.app_context():
            call(
                "receive_notice", as_main=True, p_station=station, p_plugin=PLUGIN, p_digest=b"d" * 32,
                p_method="GET", p_query="", p_headers="{}", p_body=b"", p_ip="", p_result="",
                p_attempt_no=order.attempt, p_amount=order.payable, p_currency="CNY",
                p_provider_ref=ref, p_wait=False,
            )  # fmt: skip


def _taken_out(console: Any, order: Sold) -> None:
    owner = console.market.owner
    owner.execute(
        "INSERT INTO settlement_terms(station_id, withdraw_minimum, fee_bp) VALUES (1, 100, 500)"
        " ON CONFLICT (station_id) DO UPDATE SET withdraw_minimum = 100, fee_bp = 500"
    )
    owner.execute("UPDATE settlement SET due_at = now() WHERE station_id = 2")
    assert guarded(console, "release_settlements", p_limit=10)["released"] == 1
    order.withdrawal = _withdrawn(console, YE, 1_0000)


def _withdrawn(console: Any, station: int, amount: int) -> str:
    """Asked for, agreed to by another person, paid by hand; returns its number."""
    asked = guarded(
        console, "request_withdrawal", p_station=station, p_amount=amount, p_payee_kind="alipay",
        p_payee='{"account": "a@example.com", "name": "沈一舟"}', p_actor="staff:9", p_key="w",
    )  # fmt: skip
    assert asked["code"] == "ok", asked
    approval = one(console, "SELECT max(id) FROM approval WHERE kind = 'withdrawal'")
    vote = {"p_agrees": True, "p_reason": "", "p_actor": "staff:1"}
    guarded(console, "vote_approval", p_station=station, p_id=approval, **vote)
    guarded(console, "approve_withdrawal", p_station=station, p_id=asked["id"])
    paid = guarded(
        console, "pay_withdrawal_by_hand", p_station=station, p_id=asked["id"], p_actor="staff:1",
        p_ref=f"bank-{station}", p_proof_type="", p_proof=None,
    )  # fmt: skip
    assert paid["code"] == "ok"
    return str(one(console, "SELECT withdrawal_no FROM withdrawal WHERE id = %s", asked["id"]))


def _billed(console: Any, order: Sold) -> None:
    """Yesterday's bill has the payment and the refund, and one payment nobody here knows."""
    from kameng.payments import api as payments

    day = payments.yesterday()
    at = datetime.now(UTC)
    console.market.owner.execute(
        "UPDATE payment_attempt SET paid_at = now() - interval '1 day' WHERE plugin_id = %s",
        (PLUGIN,),
    )
    lines = [
        BillLine(attempt_no=order.attempt, provider_ref="gw-trail", amount=Money(order.payable),
                 at=at, fee=Money(2200)),
        BillLine(attempt_no=order.attempt, provider_ref="gw-trail", amount=Money(5_0000), at=at,
                 refund_no=order.refund, refund_ref="rr"),
        BillLine(attempt_no="2611777777777777", provider_ref="gw-x", amount=Money(3_0000), at=at),
    ]  # fmt: skip
    answer = SimpleNamespace(outcome=Outcome.SUCCEEDED, value=SimpleNamespace(lines=lines))
    fake = SimpleNamespace(capabilities=PaymentCapability.BILL, bill=lambda _day: answer)
    none = SimpleNamespace(capabilities=PaymentCapability.QUERY)

    def find(_holder: int, plugin: str, _account: str) -> Any:
        return fake if plugin == PLUGIN else none

    with console.market.app.app_context():
        assert payments.plan_bills(day, find) == 1
        with main_scope(reason="test"):
            ((station, bill),) = payments.due_bills(day)
        assert payments.fetch_bill(station, bill, find) == "compared"


def test_T6_one_order_is_followed_to_the_last_unit(console: Any, sold: Sold) -> None:
    page = console.get(sold.page)
    for words in (
        "合计为零", "易支付的通知", "收到 2 次", sold.refund, sold.withdrawal, "已放款",
        "到期结算", "平台服务费", "退回毛利", "退回成本", "的账单已确认", "支付清算 · 易支付",
    ):  # fmt: skip
        assert words in page, words
    total = re.search(r"<b>全部</b>.*?p-amount km-ok\">([^<]*)<", page, re.DOTALL)
    assert total
    assert total[1] == "0.0000"
    times = re.findall(r'<time datetime="([^"]+)"', page)
    assert times == sorted(times)
    assert len(times) > 15


def test_T6_the_sums_of_the_trail_are_those_of_the_books(console: Any, sold: Sold) -> None:
    from kameng.settlement.api import order_trail

    with console.market.app.app_context(), main_scope(reason="test"):
        trail = order_trail(YE, sold.number)
        assert trail is not None
        assert trail.closed
        assert trail.collected == sold.payable
        assert trail.given_back == 5_0000
        main, own = trail.levels
        assert (own.party, own.paid_out) == (YE, 1_0000)
        earned = sum(level.margin - level.returned for level in (main, own))
        cost = sum(s.net for s in trail.sums if s.account[0] == "goods_cost")
        rounding = sum(s.net for s in trail.sums if s.account[0] == "rounding")
        assert cost + rounding + earned == sold.payable - 5_0000
        assert order_trail(YE, "0000") is None
        from kameng.ledger.api import verify

        report = verify()
        assert report.ok, [(c.name, c.findings) for c in report.checks if not c.ok]
    with console.market.app.app_context(), station_scope(YE), pytest.raises(PermissionError):
        order_trail(YE, sold.number)


def test_the_trail_is_linked_and_guarded(console: Any, sold: Sold) -> None:
    assert sold.page in console.get(f"/admin/orders/{YE}/{sold.number}")
    assert sold.page in console.get("/admin/transfers/")
    assert "没有这个订单" in console.get("/admin/trail/?order=123")
    assert (
        console.as_("admin")
        .get(f"/admin/trail/?order={sold.number}", base_url="http://main.localhost:8000")
        .location.endswith(sold.page)
    )
    console.get("/admin/trail/2/nowhere", expected=404)
    console.get(f"/admin/trail/{2**70}/1", expected=404)
    console.get(sold.page, "support", expected=403)
    console.get("/admin/reconcile/", "support", expected=403)


def test_R9_a_difference_is_worked_off_from_the_console(console: Any, sold: Sold) -> None:
    page = console.get("/admin/reconcile/", "finance")
    assert "2611777777777777" in page
    assert "待解释" in page
    assert "对账差异" in console.get("/admin/")
    path = re.search(r'href="(/admin/reconcile/difference/[^"]+)"', page)
    assert path
    detail = console.get(path[1], "finance")
    assert "向渠道查询并入账" in detail
    refused = console.post(f"{path[1]}/apply", "finance")
    assert refused.status_code == 303
    assert "我方没有这个支付单号" in console.get(path[1], "finance")
    assert console.post(f"{path[1]}/later", "finance").status_code == 404
    assert "等另一个人批准" in console.done(f"{path[1]}/post", "finance", reason="渠道多收")
    asked = console.get("/admin/approvals/?kind=bill_difference")
    assert path[1] in asked
    assert "渠道有、我方无" in asked
    page = console.done(f"{path[1]}/ignored", "finance", reason="测试付款")
    assert "测试付款" in page
    bill = re.search(r'href="(/admin/reconcile/bill/[^"]+)"', page)
    assert bill
    assert "忽略并说明" in console.get(bill[1])
    assert "一致" in console.done(f"{bill[1]}/fetch", "finance")
    assert "账单都对得上" in console.get("/admin/reconcile/")
    console.get("/admin/reconcile/bill/1/999999", expected=404)
    console.get(f"/admin/reconcile/difference/{2**70}/1", expected=404)


def test_the_page_of_the_proofs_shows_the_chain(console: Any, sold: Sold) -> None:
    guarded(console, "seal_ledger", p_limit=1000)
    page = console.get("/admin/ledger/verify/")
    assert "末环" in page
    assert "账是平的" in console.post("/admin/ledger/verify/run").text


BELOW = 77  # a station under YE: main → YE → this one


@pytest.fixture(scope="module")
def three_levels(console: Any, sold: Sold) -> Sold:
    """Sold two levels below the main station, released, and a part given back after that."""
    from kameng.pricing import api as pricing

    owner = console.market.owner
    owner.execute(
        "INSERT INTO station(id, parent_id, path, slug, name, state) VALUES"
        " (%s, 2, ARRAY[1, 2, %s], 'below', '小店', 'active')",
        (BELOW, BELOW),
    )
    owner.execute(
        "INSERT INTO price_rule(station_id, purpose, operation, value) VALUES"
        " (2, 'wholesale', 'add', 6050), (%s, 'retail', 'add', 8010)",
        (BELOW,),
    )
    with console.market.app.app_context(), main_scope(reason="test"):
        pricing.reprice()
    order = _placed(console, BELOW, "2611000000007777", "below")
    _paid(console, order, BELOW, "gw-below")
    owner.execute("UPDATE settlement SET due_at = now() WHERE state = 'pending'")
    while guarded_rows(console, "release_settlements", p_limit=10):
        pass
    order.withdrawal = _withdrawn(console, BELOW, 3000)
    order.refund = guarded(
        console, "refund_order", p_station=BELOW, p_order_no=order.number, p_amount=7_0000,
        p_note="late", p_actor="staff:1", p_key="k",
    )["refund_no"]  # fmt: skip
    guarded(
        console, "settle_refund", p_station=BELOW, p_refund_no=order.refund, p_state="succeeded",
        p_ref="r3", p_message="", p_next=timedelta(0),
    )  # fmt: skip
    return order


def guarded_rows(console: Any, function: str, **given: Any) -> int:
    with console.market.app.app_context(), main_scope(reason="test"):
        rows = run(function, **given)
        db.session.commit()
        return sum(row["released"] for row in rows)


def test_M8_three_levels_are_followed_to_the_unit(console: Any, three_levels: Sold) -> None:
    from kameng.settlement.api import order_trail

    order = three_levels
    cost, parties, margins, payable, total = console.market.owner.execute(
        "SELECT c.cost, c.parties, c.margins, o.payable, o.total FROM order_cost c JOIN orders o"
        " ON o.station_id = c.station_id AND o.id = c.order_id WHERE o.order_no = %s",
        (order.number,),
    ).fetchone()
    assert parties == [1, YE, BELOW]
    assert all(margins[1:])
    legs = [cost, *margins, payable - total]
    back = [leg * 7_0000 // payable if leg >= 0 else -(-leg * 7_0000 // payable) for leg in legs]
    back[legs.index(max(legs))] += 7_0000 - sum(back)
    with console.market.app.app_context(), main_scope(reason="test"):
        trail = order_trail(BELOW, order.number)
        assert trail is not None
        assert trail.closed
        assert [level.party for level in trail.levels] == parties
        assert [level.margin for level in trail.levels] == margins
        assert [level.returned for level in trail.levels] == back[1:-1]
        assert (trail.levels[2].party, trail.levels[2].paid_out) == (BELOW, 3000)
    page = console.get(f"/admin/trail/{BELOW}/{order.number}")
    assert "合计为零" in page
    assert order.withdrawal in page
    for part in (*margins, *back[1:-1], 7_0000):
        assert f"{part // 10_000}.{part % 10_000:04d}" in page
    kinds = console.market.owner.execute(
        "SELECT count(*) FROM transfer WHERE kind = 'return.margin' AND station_id = %s AND"
        " debit_account IN (SELECT id FROM account WHERE kind = 'available')",
        (BELOW,),
    ).fetchone()
    assert kinds[0] == 2  # both stations had been paid already: it comes from what they have
