"""Bank details with proofs, payers that the gateway names, and notices of another account."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from importlib.metadata import EntryPoint, entry_points
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kameng import epoch
from kameng.db import main_scope, station_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.plugins import api as plugins
from kameng.plugins.discovery import GROUP
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine, ChargeResult, PaymentDetail, PayoutRequest, PayoutResult
from kameng_sdk.webhooks import WebhookRequest

from .paper import ANSWERS, LINE, PLUGIN

MAIN, JIANGNAN, DEER = 1, 2, 3
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20
PAYOUT = PayoutRequest(payout_no="W1", amount=Money(100), kind="alipay", account="a", name="n")


@pytest.fixture(scope="module", autouse=True)
def _installed(app: Any) -> None:
    own = EntryPoint(PLUGIN, f"{__package__}.paper", GROUP)
    found = plugins.init_plugins(
        app, app.extensions["kameng.settings"], [*entry_points(group=GROUP), own]
    )
    assert found.plugins[PLUGIN].manifest is not None, found.plugins[PLUGIN].reason


@pytest.fixture(autouse=True)
def _accounts(shop: Any) -> Iterator[None]:
    """Two accounts of the main station, inside an app context."""
    shop.owner.execute("DELETE FROM station_plugin")
    ANSWERS.clear()
    with shop.app.app_context():
        epoch.renew()  # behind the product's back
        plugins.configure(MAIN, PLUGIN, {"shop": "1"}, "test")
        plugins.set_enabled(MAIN, PLUGIN, True, "test")
        plugins.add_account(MAIN, PLUGIN, "b", "test")
        plugins.configure(MAIN, PLUGIN, {"shop": "2"}, "test", "b")
        yield


def start(shop: Any, method: str, placed: Any = None, **given: Any) -> tuple[Any, Any]:
    from kameng.payments.api import PaymentRefused
    from kameng.payments.api import start as start_payment

    placed = placed or shop.place(shop.sku(cards=1))
    with station_scope(DEER):
        try:
            return placed, start_payment(
                placed.order_no, PLUGIN, method, "192.0.2.9", return_url="http://x/", **given
            )
        except PaymentRefused as refusal:
            return placed, refusal.code


def send(account: str, **told: Any) -> int:
    from kameng.payments.api import handle_webhook

    token = plugins.hook_path(MAIN, PLUGIN, account).rpartition("/")[2]
    body = json.dumps(told).encode()
    request = WebhookRequest(method="POST", path="/", query="", headers={}, body=body)
    return handle_webhook(PLUGIN, token, request).status


def test_details_are_shown_and_a_person_confirms_the_money(shop: Any) -> None:
    from kameng.payments.api import (
        confirm_manual,
        query_attempt,
        read_started,
        waiting_by_hand,
    )

    placed, started = start(shop, "transfer")
    assert started.cashier == {"details": [{"label": "账号", "value": "6222", "copy": True}]}
    with station_scope(DEER):
        assert read_started(started.attempt_no) == started
    row = "SELECT id FROM payment_attempt WHERE attempt_no = %s"
    assert query_attempt(DEER, shop.one(row, started.attempt_no)) == "pending"
    with main_scope(reason="test"):
        waiting = waiting_by_hand()
        assert [view.attempt_no for view in waiting][-1] == started.attempt_no
        short = confirm_manual(DEER, started.attempt_no, 98_0000, "bank 1", "staff:1")
        assert short == "amount_mismatch"
        assert confirm_manual(DEER, started.attempt_no, 98_6100, "bank 1", "staff:1") == "ok"
        assert confirm_manual(DEER, started.attempt_no, 98_6100, "bank 1", "staff:1") == "repeat"
    assert shop.state(DEER, placed.order_id) == "delivered"
    source = "SELECT reason FROM order_event WHERE order_id = %s AND to_state = 'paid'"
    assert shop.one(source, placed.order_id) == "staff:1"
    shop.assert_books_balance()


def test_a_transfer_has_a_day_and_its_goods_are_kept_for_two_hours_once(shop: Any) -> None:
    from kameng.db import run

    placed, started = start(shop, "transfer")
    left = "SELECT round(extract(epoch FROM {} - now()) / 60)::int FROM {} WHERE {} = %s"
    assert shop.one(left.format("expires_at", "payment_attempt", "attempt_no"),
                    started.attempt_no) == 24 * 60  # fmt: skip
    for column in ("expires_at", "deadline_at"):
        assert shop.one(left.format(column, "orders", "id"), placed.order_id) == 120
    assert shop.one(left.format("held_until", "card", "order_id"), placed.order_id) == 120
    shop.owner.execute(
        "UPDATE orders SET expires_at = now() + interval '1 minute' WHERE id = %s",
        (placed.order_id,),
    )
    shop.owner.execute("UPDATE payment_attempt SET state = 'declined' WHERE order_id = %s",
                       (placed.order_id,))  # fmt: skip
    again = start(shop, "transfer", placed)[1]
    assert again.attempt_no != started.attempt_no
    assert shop.one(left.format("expires_at", "orders", "id"), placed.order_id) == 1
    with station_scope(DEER):
        kept = run("keep_for_transfer", p_station=DEER, p_attempt_no=again.attempt_no,
                   p_hours=99, p_minutes=9)  # fmt: skip
        assert kept[0]["code"] == "repeat"


def test_goods_are_kept_for_an_unpaid_order_of_the_station_and_never_longer(shop: Any) -> None:
    from kameng.db import call

    def keep(number: str, station: int = DEER) -> str:
        with station_scope(station):
            row = call("keep_for_transfer", p_station=station, p_attempt_no=number, p_hours=1,
                       p_minutes=9999)  # fmt: skip
            return str(row["code"])

    placed, started = start(shop, "transfer")
    clear = "UPDATE orders SET kept_at = NULL, state = %s, expires_at = now() + %s::interval WHERE id = %s"
    assert keep(started.attempt_no, JIANGNAN) == "attempt_unknown"
    assert keep(start(shop, "qr", device="desktop")[1].attempt_no) == "attempt_unknown"
    shop.owner.execute(clear, ("pending_payment", "-1 minute", placed.order_id))
    assert keep(started.attempt_no) == "bad_state"
    shop.owner.execute(clear, ("cancelled", "1 minute", placed.order_id))
    assert keep(started.attempt_no) == "bad_state"
    shop.owner.execute(clear, ("pending_payment", "1 minute", placed.order_id))
    assert keep(started.attempt_no) == "ok"
    long = "SELECT expires_at > now() + interval '121 minutes' FROM orders WHERE id = %s"
    assert shop.one(long, placed.order_id) is False


def test_a_transfer_after_its_orders_time_brings_the_goods_or_goes_back(shop: Any) -> None:
    from kameng.payments.api import add_proof, confirm_manual

    late = (
        "UPDATE orders SET expires_at = now(), deadline_at = now() - interval '1 s' WHERE id = %s"
    )
    sku = shop.sku(cards=1)
    codes = {}
    for _ in range(2):
        placed, started = start(shop, "transfer", shop.place(sku))
        shop.owner.execute(late, (placed.order_id,))
        shop.guarded("expire_orders", p_limit=50)
        with station_scope(DEER):
            assert add_proof(started.attempt_no, "image/png", PNG, "", "192.0.2.9")
        codes[started.attempt_no] = placed.order_id
    for number, code in zip(codes, ("ok", "refund_late"), strict=True):
        with main_scope(reason="test"):
            assert confirm_manual(DEER, number, 98_6100, number, "staff:1") == code
    assert [shop.state(DEER, order) for order in codes.values()] == ["delivered", "refunding"]
    shop.assert_books_balance()


def test_only_who_holds_the_account_may_confirm(shop: Any) -> None:
    from kameng.payments.api import confirm_manual, waiting_by_hand

    _placed, started = start(shop, "transfer")
    for station in (DEER, JIANGNAN):
        with station_scope(station):
            assert list(waiting_by_hand()) == []
            with pytest.raises(NotFound):
                confirm_manual(DEER, started.attempt_no, 98_6100, "bank 2", "staff:9")


@pytest.mark.parametrize(
    ("amount", "ref", "code"),
    [(98_6100, " ", "reference_missing"), (0, "x", "amount_invalid"), (10**30, "x", "amount_invalid"),
     (98_6101, "x", "amount_invalid")],
)  # fmt: skip
def test_a_confirmation_needs_amount_and_reference(
    shop: Any, amount: int, ref: str, code: str
) -> None:
    from kameng.payments.api import confirm_manual

    with main_scope(reason="test"), pytest.raises(DomainError, match=code):
        confirm_manual(DEER, "x", amount, ref, "staff:1")


def test_money_of_a_gateway_that_can_tell_is_not_confirmed_by_hand(shop: Any) -> None:
    from kameng.payments.api import confirm_manual

    plugins.set_enabled(MAIN, "payment-stripe", False, "test")
    placed = shop.place(shop.sku(cards=1))
    number = shop.attempt(DEER, placed.payable, order=placed.order_id, plugin="payment-balance")
    with main_scope(reason="test"), pytest.raises(Conflict, match="not_manual"):
        confirm_manual(DEER, number, placed.payable, "x", "staff:1")


def test_three_pictures_are_kept_as_proof_and_nothing_else(shop: Any) -> None:
    from kameng.payments.api import add_proof, proof, proofs_of

    _placed, started = start(shop, "transfer")
    number = started.attempt_no

    def add(content: bytes, note: str = "n") -> str:
        try:
            return "ok" if add_proof(number, "image/png", content, note, "192.0.2.9") else ""
        except DomainError as refusal:
            return refusal.code

    with station_scope(DEER):
        assert add(b"<svg onload=alert(1)>") == "proof_type"
        assert add(b"") == "proof_type"
        assert add(PNG + b"x" * 2 * 1024 * 1024) == "proof_size"
        jpeg, webp = b"\xff\xd8\xff\xe0", b"RIFF\x00\x00\x00\x00WEBPVP8 "
        assert [add(p, "a\0b") for p in (PNG, jpeg, webp, PNG)] == ["ok"] * 3 + ["proof_many"]
        kept = proofs_of(DEER, number)
        assert [p.media_type for p in kept] == ["image/png", "image/jpeg", "image/webp"]
        assert kept[0].note == "ab"
        assert proof(DEER, kept[0].id) == ("image/png", PNG)
    with station_scope(JIANGNAN):
        assert proofs_of(DEER, number) == []
        with pytest.raises(NotFound):
            proof(DEER, kept[0].id)


def test_one_way_has_a_method_for_each_browser(shop: Any) -> None:
    from kameng.payments.api import methods

    with station_scope(DEER):
        ways = {
            device: {v.way: (v.code, v.enabled, v.needs_payer) for v in methods(
                DEER, 100, None, device=device
            )}
            for device in ("desktop", "wechat", "phone", None)
        }  # fmt: skip
    assert ways["desktop"]["wechat"] == ("qr", True, False)
    assert ways["wechat"]["wechat"] == ("js", True, True)
    assert ways["phone"]["wechat"][1] is False
    assert ways[None]["wechat"] == ("qr", True, False)
    assert ways["desktop"]["transfer"] == ("transfer", True, False)
    assert start(shop, "js", device="desktop")[1].qr_content == "weixin://x"


def identify(shop: Any, placed: Any, bound_to: str = "", code: str = "good") -> str:
    from kameng.payments.api import PaymentRefused, payer, payer_url

    with station_scope(DEER):
        url = payer_url(placed.order_no, PLUGIN, "js", "http://x/back", amount=placed.payable)
        state = parse_qs(urlsplit(url).query)["state"][0]
        assert state.isalnum()
        assert len(state) <= 128
        try:
            return payer(bound_to or placed.order_no, PLUGIN, "js", state, code)
        except PaymentRefused as refusal:
            return refusal.code


def test_a_payer_is_named_by_the_gateway_and_bound_to_order_and_account(shop: Any) -> None:
    placed = shop.place(shop.sku(cards=1))
    assert start(shop, "js", placed, device="wechat")[1] == "payer_needed"
    token = identify(shop, placed)
    _placed, started = start(shop, "js", placed, device="wechat", payer=token)
    assert started.cashier == {"bridge": {"package": "for openid-1"}}
    assert start(shop, "js", placed, device="wechat", payer=token)[1] == started
    other = shop.place(shop.sku(cards=1))
    assert start(shop, "js", other, device="wechat", payer=token)[1] == "payer_invalid"
    assert identify(shop, placed, bound_to=other.order_no) == "payer_invalid"
    assert identify(shop, placed, code="bad") == "payer_invalid"
    assert start(shop, "js", placed, device="wechat", payer="x.y.z")[1] == "payer_invalid"
    ANSWERS["payer"] = "openid-2"  # somebody else opens the page: a charge of their own
    second = start(shop, "js", placed, device="wechat", payer=identify(shop, placed))[1]
    assert second.attempt_no != started.attempt_no


def test_a_notice_of_one_account_says_nothing_about_an_attempt_at_another(shop: Any) -> None:
    placed, started = start(shop, "qr", device="desktop")
    told = {"kind": "paid", "attempt": started.attempt_no, "amount": placed.payable}
    assert send("b", **told) == 400
    assert shop.state(DEER, placed.order_id) == "pending_payment"
    assert send("", **told) == 200
    assert shop.state(DEER, placed.order_id) == "delivered"
    shop.assert_books_balance()


def test_a_notice_about_a_refund_is_not_believed_but_asked_about(shop: Any) -> None:
    from kameng.payments.api import request_refund, send_refund

    placed, started = start(shop, "qr", device="desktop")
    told = {"attempt": started.attempt_no, "amount": placed.payable}
    assert send("", kind="paid", **told) == 200
    number = request_refund(DEER, placed.order_no, placed.payable, "", "staff:1", "k")[1]
    found = shop.one("SELECT id FROM refund WHERE refund_no = %s", number)
    assert send_refund(DEER, found) == "sent"
    assert send_refund(DEER, found) == "not_due"
    assert send("b", kind="refunded", refund=number, **told) == 200
    assert send_refund(DEER, found) == "not_due"
    assert send("", kind="refunded", refund=number, **told) == 200
    assert shop.one("SELECT state FROM refund WHERE id = %s", found) == "sent"
    assert send_refund(DEER, found) == "succeeded"
    assert shop.state(DEER, placed.order_id) == "refunded"


LONG = "x" * 9000


@pytest.mark.parametrize(
    "result",
    [{"form": {"a": 1}, "redirect_url": "https://x.example/"}, {"form": {"a": "b"}},
     {"bridge": {f"k{n}": "v" for n in range(51)}}, {"bridge": {"a": LONG}}, {"bridge": ["a"]},
     {"details": [{"label": "x"}]}, {"details": [PaymentDetail(label="x", value="a\0")]},
     {"details": [PaymentDetail(label="x", value=LONG)]}, {"redirect_url": "https://"},
     {"details": [PaymentDetail(label="x", value="y", copy=1)]}],  # type: ignore[arg-type]  # that is the fault
)  # fmt: skip
def test_what_a_page_could_not_show_is_no_answer(shop: Any, result: Any) -> None:
    ANSWERS["charge"] = ChargeResult(outcome=Outcome.PENDING, **result)
    assert start(shop, "qr", device="desktop")[1].state == "unknown"


@pytest.mark.parametrize(
    "line",
    [{"amount": Money(0)}, {"amount": Money(10**18)}, {"attempt_no": "x" * 300}, {"fee": 1},
     {"at": "2026-01-01"}, {"done": 1}, {"refund_ref": None}],
)  # fmt: skip
def test_a_bill_with_one_wrong_line_is_no_bill(line: Any) -> None:
    provider = plugins.provider(MAIN, PLUGIN)
    assert provider.bill(date(2026, 1, 1)).outcome is Outcome.SUCCEEDED
    ANSWERS["lines"] = [LINE, replace(LINE, **line)]
    assert provider.bill(date(2026, 1, 1)).outcome is Outcome.UNKNOWN


def test_payouts_and_payers_are_checked_as_well() -> None:
    provider = plugins.provider(MAIN, PLUGIN, holder=MAIN, account="b")
    assert provider.account == "b"
    assert provider.payout_kinds() == ("alipay",)
    assert provider.payout(PAYOUT).outcome is Outcome.SUCCEEDED
    assert provider.query_payout(PAYOUT).outcome is Outcome.SUCCEEDED
    ANSWERS.update(kinds=[1], url="javascript:alert(1)", payer="", payout=PayoutResult(outcome=2))  # type: ignore[arg-type]  # that is the fault
    assert provider.payout_kinds() == ()
    assert provider.payout(PAYOUT).outcome is Outcome.UNKNOWN
    assert provider.identify_url("https://x.example/", "s") == ""
    assert provider.identify("good").outcome is Outcome.UNKNOWN
    ANSWERS["lines"] = (BillLine,)
    assert provider.bill(date(2026, 1, 1)).outcome is Outcome.UNKNOWN


def test_what_is_not_declared_is_not_called() -> None:
    provider = plugins.provider(MAIN, "payment-balance")
    assert provider.bill(date(2026, 1, 1)).code == "not_supported"
    assert provider.payout(PAYOUT).code == provider.query_payout(PAYOUT).code == "not_supported"
    assert provider.payout_kinds() == ()
    assert provider.identify_url("https://x.example/", "s") == ""
    assert provider.identify("x").code == "not_supported"
