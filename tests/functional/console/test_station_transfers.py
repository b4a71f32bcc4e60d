"""A station's own bank account: its owner looks at the transfers, and only at those to it."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from tests.functional.conftest import hidden

from kameng.db import main_scope, station_scope

YE, STATION, BANK = "http://yehang.localhost:8000", 2, "payment-bank-transfer"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
FIELDS = {"bank": "招商银行", "holder": "沈一舟", "account": "6214 8300 1122 3344"}


@pytest.fixture(scope="module")
def browsers(market: Any) -> dict[str, Any]:
    """The owner and a clerk of the station, signed in."""
    from kameng.identity import api as identity

    with market.app.app_context(), main_scope(reason="test"):
        identity.create_staff(2, "clerk", "小店员", "clerk-pass-2026", "clerk", with_totp=False)
    found = {}
    for role, login in (("owner", market.owner_login), ("clerk", ("clerk", "clerk-pass-2026"))):
        found[role] = market.browser()
        form = {"login": login[0], "password": login[1]}
        assert market.post(found[role], "/console/login", form, YE).status_code == 303
    return found


@pytest.fixture(scope="module")
def owner(browsers: dict[str, Any]) -> Any:
    return browsers["owner"]


@pytest.fixture(scope="module")
def bank(market: Any, owner: Any) -> None:
    """The station has a bank account of its own, and prepaid money for what it sells."""
    from kameng.db import call
    from kameng.plugins import api as plugins

    assert "待确认转账" not in market.get(owner, "/console/", YE)
    with market.app.app_context():
        plugins.configure(STATION, BANK, FIELDS, "test")
        plugins.set_enabled(STATION, BANK, True, "test")
        market.owner.execute(
            "INSERT INTO payment_attempt(station_id, attempt_no, purpose, plugin_id, method, amount,"
            " state, expires_at) VALUES (2, 'prepaid-1', 'prepaid', 'payment-epay', 'alipay',"
            " 5000000, 'sent', now() + interval '1 hour')"
        )
        call(
            "apply_payment", as_main=True, p_station=STATION, p_attempt_no="prepaid-1",
            p_plugin="payment-epay", p_amount=500_0000, p_currency="CNY", p_provider_ref="p1",
            p_source="test", p_wait=False,
        )  # fmt: skip


def transfer(market: Any, station: int = STATION, sku: str = "XH30") -> tuple[str, str, int]:
    """An order that waits for a transfer to the station's account; number, attempt, amount."""
    from kameng.orders import api as orders
    from kameng.payments import api as payments

    with market.app.app_context(), station_scope(station):
        payable = orders.quote(sku, 1).payable
        asked = orders.PlaceRequest(
            sku_code=sku, quantity=1, inputs={}, contact="a@example.com", ip="192.0.2.7",
            idempotency_key=secrets.token_hex(8), expected_payable=payable,
        )  # fmt: skip
        number = orders.place(asked, ("allow", [])).order_no
        started = payments.start(number, BANK, "bank_transfer", "192.0.2.7", return_url="http://x/")
        payments.add_proof(started.attempt_no, "image/png", PNG, "张三付的", "192.0.2.7")
        return number, started.attempt_no, payable


def press(market: Any, browser: Any, path: str, **data: str) -> Any:
    token = hidden(market.get(browser, "/console/", YE), "_csrf")
    return browser.post(f"/console/transfers/{path}", data={**data, "_csrf": token}, base_url=YE)


def state(market: Any, number: str) -> str:
    row = market.owner.execute("SELECT state FROM orders WHERE order_no = %s", (number,))
    return str(row.fetchone()[0])


@pytest.mark.usefixtures("bank")
def test_the_owner_confirms_what_arrived_on_the_stations_account(market: Any, owner: Any) -> None:
    number, attempt, amount = transfer(market)
    menu = market.get(owner, "/console/", YE)
    assert 'href="/console/transfers"' in menu
    assert 'aria-label="1 笔有截图"' in menu
    listed = market.get(owner, "/console/transfers", YE)
    assert f'href="/console/transfers/{attempt}"' in listed
    assert "1 张截图" in listed
    page = market.get(owner, f"/console/transfers/{attempt}", YE)
    assert "6214 8300 1122 3344" in page
    assert attempt[-8:] in page
    assert "张三付的" in page
    assert f'value="{amount // 10_000}' not in page
    yuan = f"{amount / 10_000:.2f}"
    for given, words in (
        ({"amount": yuan, "ref": "1"}, "请填写银行流水号"),
        ({"amount": "x", "ref": "9001"}, "金额不对"),
        ({"amount": "1", "ref": "9001"}, "金额和应付的不一样"),
    ):
        answer = press(market, owner, f"{attempt}/confirm", **given)
        assert answer.status_code in (400, 409, 422)
        assert words in answer.text
        assert f'value="{given["amount"]}"' in answer.text
    assert state(market, number) == "pending_payment"
    assert press(market, owner, f"{attempt}/confirm", amount=yuan, ref="9001").status_code == 303
    assert state(market, number) == "delivered"
    assert "已经处理过" in market.get(owner, f"/console/transfers/{attempt}", YE)
    assert "笔有截图" not in market.get(owner, "/console/", YE)
    trail = market.owner.execute(
        "SELECT actor, detail ->> 'result' FROM audit_event WHERE station_id = 2"
        " AND action = 'payment.confirm' ORDER BY id", (),
    ).fetchall()  # fmt: skip
    assert [row[1] for row in trail] == ["amount_mismatch", "ok"]
    assert trail[0][0].startswith("staff:")


@pytest.mark.usefixtures("bank")
def test_the_owner_refuses_and_the_shopper_reads_why(market: Any, owner: Any) -> None:
    _number, attempt, _amount = transfer(market)
    assert "请写明原因" in press(market, owner, f"{attempt}/refuse", reason=" ").text
    answer = press(market, owner, f"{attempt}/refuse", reason="没有查到这笔钱")
    assert answer.status_code == 303
    row = market.owner.execute(
        "SELECT state, cashier ->> 'refused' FROM payment_attempt WHERE attempt_no = %s", (attempt,)
    ).fetchone()
    assert row == ("declined", "没有查到这笔钱")
    again = press(market, owner, f"{attempt}/refuse", reason="没有查到这笔钱")
    assert again.status_code == 409
    assert market.count(
        "SELECT count(*) FROM audit_event WHERE station_id = 2 AND action = 'payment.refuse'"
    ) == 1  # fmt: skip


@pytest.mark.usefixtures("bank")
def test_pictures_are_shown_as_pictures_and_only_here(market: Any, owner: Any) -> None:
    _number, attempt, _amount = transfer(market)
    shot = market.count("SELECT max(id) FROM payment_proof")
    answer = owner.get(f"/console/transfers/{attempt}/proof/{shot}", base_url=YE)
    assert (answer.mimetype, answer.data) == ("image/png", PNG)
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    other = owner.get(f"/console/transfers/{attempt}/proof/{shot - 1}", base_url=YE)
    assert other.status_code == 404


@pytest.mark.usefixtures("bank")
def test_transfers_to_others_accounts_are_out_of_reach(market: Any, owner: Any) -> None:
    """To the main station's account for this station's order, and of other stations."""
    from kameng.errors import NotFound
    from kameng.payments import api as payments

    elsewhere = {station: transfer(market, station) for station in (1, 3)}
    mine = transfer(market)
    market.owner.execute(
        "UPDATE payment_attempt SET account_station_id = 1 WHERE attempt_no = %s", (mine[1],)
    )
    listed = market.get(owner, "/console/transfers", YE)
    for number, attempt, amount in (*elsewhere.values(), mine):
        assert attempt not in listed
        form = {"amount": f"{amount / 10_000:.2f}", "ref": "stolen-1"}
        assert press(market, owner, f"{attempt}/confirm", **form).status_code == 404
        assert press(market, owner, f"{attempt}/refuse", reason="不给").status_code == 404
        assert owner.get(f"/console/transfers/{attempt}", base_url=YE).status_code == 404
        assert state(market, number) == "pending_payment"
        for station in (1, 3, STATION):
            with market.app.app_context(), station_scope(STATION):
                with pytest.raises(NotFound):
                    payments.refuse_by_hand(station, attempt, "no money", "staff:1")
                with pytest.raises(NotFound):
                    payments.confirm_manual(station, attempt, amount, "stolen-1", "staff:1")


@pytest.mark.usefixtures("bank")
def test_the_main_stations_desk_leaves_a_stations_transfers_alone(market: Any) -> None:
    from kameng.errors import NotFound
    from kameng.payments import api as payments

    _number, attempt, amount = transfer(market)
    with market.app.app_context(), main_scope(reason="test"):
        assert attempt not in {row.attempt_no for row in payments.waiting_by_hand()}
        with pytest.raises(NotFound):
            payments.confirm_manual(STATION, attempt, amount, "ref-1", "staff:1")
        with pytest.raises(NotFound):
            payments.refuse_by_hand(STATION, attempt, "no money", "staff:1")


@pytest.mark.usefixtures("bank")
def test_a_clerk_confirms_no_money(market: Any, browsers: dict[str, Any]) -> None:
    _number, attempt, _amount = transfer(market)
    clerk = browsers["clerk"]
    assert "待确认转账" not in market.get(clerk, "/console/", YE)
    assert clerk.get("/console/transfers", base_url=YE).status_code == 403
    assert press(market, clerk, f"{attempt}/confirm", amount="1", ref="9002").status_code == 403
