"""The station as an upstream site of dujiao-next, over HTTP and on the real database."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.openapi.docking import MAIN, PRICE, Dock, Key, new_number

from kameng.db import station_scope
from kameng.openapi.services.dujiao_notices import accepts
from kameng.webhooks.domain.outgoing import DeliveryFacts
from kameng.webhooks.services.formats import formats
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_dujiao_next import orders as client
from kameng_supplier_dujiao_next.account import DujiaoAccount
from kameng_supplier_dujiao_next.notices import read_notice
from kameng_supplier_dujiao_next.signing import signature

MOUNT, ROOT = "/dock/dujiao-next", "/api/v1/upstream/"


def ask(dock: Dock, key: Key, method: str, what: str, body: Any = b"", **changes: Any) -> Any:
    """One signed request, or one that is signed otherwise; status and answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = f"{MOUNT}{ROOT}{what}"
    moment = str(changes.get("time", int(time.time())))
    signed = changes.get("signed", path)
    sign = signature(changes.get("secret", key.secret), method, signed, moment, raw)
    headers = {
        "Dujiao-Next-Api-Key": changes.get("key_id", key.key_id),
        "Dujiao-Next-Timestamp": moment, "Dujiao-Next-Signature": changes.get("sign", sign),
    }  # fmt: skip
    query = changes.get("query", "")
    answer = dock.send(method, path + query, headers=headers, data=changes.get("sent", raw),
                       station=changes.get("station", 3), content_type="application/json")  # fmt: skip
    assert answer.mimetype == "application/json", answer.text[:200]
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.json


def wish(sku: int, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"sku_id": sku, "quantity": quantity, "downstream_order_no": new_number()} | more


def no(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    status, said = answer
    assert said["ok"] is False
    assert said["error_message"]
    return status, said["error_code"]


@pytest.fixture
def key(dock: Dock) -> Key:
    return dock.key("dujiao-next")


def test_the_wallet_is_told(dock: Dock, key: Key) -> None:
    status, said = ask(dock, key, "POST", "ping")
    assert status == 200
    assert (said["ok"], said["balance"], said["currency"]) == (True, "1000.00", "CNY")
    assert (said["site_name"], said["protocol_version"], said["user_id"]) == (
        "Deer",
        "1.0",
        key.member,
    )


def test_both_ways_to_sign_the_path_are_taken(dock: Dock, key: Key) -> None:
    assert ask(dock, key, "POST", "ping", signed=f"{ROOT}ping")[0] == 200
    assert no(ask(dock, key, "POST", "ping", signed=f"/elsewhere{ROOT}ping")) == (
        401,
        "invalid_signature",
    )


def test_cards_are_bought_once_and_read_again(dock: Dock, key: Key) -> None:
    asked = wish(dock.goods(cards=3), 2)
    status, said = ask(dock, key, "POST", "orders", asked)
    assert (status, said["ok"], said["amount"], said["currency"]) == (200, True, "197.21", "CNY")
    assert ask(dock, key, "POST", "orders", asked) == (status, said)
    assert ask(dock, key, "POST", "orders", asked | {"trace_id": "other"}) == (status, said)
    assert dock.orders(key.member) == 1
    result = client.result_of(ask(dock, key, "GET", f"orders/{said['order_id']}")[1])
    assert result.outcome is Outcome.SUCCEEDED
    codes = {one.code.reveal() for one in result.deliveries if one.code}
    assert len(codes) == 2
    assert all(code.startswith("SECRET-") for code in codes)
    assert ask(dock, key, "POST", "ping")[1]["balance"] == "802.79"
    dock.assert_books_balance()


def test_the_same_number_with_another_body_is_refused(dock: Dock, key: Key) -> None:
    asked = wish(dock.goods(cards=3))
    assert ask(dock, key, "POST", "orders", asked)[0] == 200
    for changed in ({"quantity": 2}, {"sku_id": dock.goods(cards=1)}):
        assert no(ask(dock, key, "POST", "orders", asked | changed)) == (409, "bad_request")
    assert dock.orders(key.member) == 1


def test_a_repeat_is_answered_when_the_goods_are_gone(dock: Dock, key: Key) -> None:
    asked = wish(dock.goods(cards=1))
    first = ask(dock, key, "POST", "orders", asked)
    dock.behind(
        "UPDATE product SET state = 'off_sale' WHERE id = (SELECT product_id FROM sku WHERE id = %s)",
        asked["sku_id"],
    )
    again = ask(dock, key, "POST", "orders", asked)
    assert again == first
    assert no(ask(dock, key, "POST", "orders", asked | {"quantity": 2})) == (409, "bad_request")
    assert no(ask(dock, key, "POST", "orders", wish(asked["sku_id"]))) == (400, "sku_unavailable")


def test_refused_orders_leave_nothing_behind(dock: Dock, key: Key) -> None:
    poor, rare = dock.key("dujiao-next", balance=50_0000), dock.goods(cards=1)
    assert no(ask(dock, poor, "POST", "orders", wish(rare))) == (402, "insufficient_balance")
    assert no(ask(dock, key, "POST", "orders", wish(rare, 2))) == (409, "insufficient_stock")
    assert no(ask(dock, key, "POST", "orders", wish(2**62))) == (400, "sku_unavailable")
    assert no(ask(dock, key, "POST", "orders", wish(rare, 2**31 - 1)))[0] in (400, 409)
    for url in ("http://127.0.0.1/cb", "ftp://a.example/", "http://user:pw@a.example/"):
        assert no(ask(dock, key, "POST", "orders", wish(rare, callback_url=url))) == (
            400,
            "invalid_callback_url",
        )
    assert dock.orders(key.member) == dock.orders(poor.member) == 0


BODIES = {
    "nothing": b"", "a list": b"[]", "twice": b'{"sku_id":1,"sku_id":2,"quantity":1,"downstream_order_no":"a"}',
    "a SKU as text": {"sku_id": "1", "quantity": 1, "downstream_order_no": "a"},
    "no number": {"sku_id": 1, "quantity": 1}, "half a piece": {"sku_id": 1, "quantity": 0.5, "downstream_order_no": "a"},
    "a NUL": b'{"sku_id":1,"quantity":1,"downstream_order_no":"\\u0000"}',
    "an odd number": {"sku_id": 1, "quantity": 1, "downstream_order_no": " \n"},
}  # fmt: skip


@pytest.mark.parametrize("what", BODIES)
def test_a_wrong_body_is_refused(dock: Dock, key: Key, what: str) -> None:
    status, code = no(ask(dock, key, "POST", "orders", BODIES[what]))
    assert (status, code) in {(400, "bad_request"), (400, "sku_unavailable")}
    assert dock.orders(key.member) == 0


def test_top_ups_ask_for_their_form_and_take_it(dock: Dock, key: Key) -> None:
    sku = dock.goods("top_up")
    dock.asks_for(sku, "account", "充值账号")
    _, listed = ask(
        dock, key, "GET", "products?page_size=100".partition("?")[0], query="?page_size=100"
    )
    (product,) = [one for one in listed["items"] if sku in [s["id"] for s in one["skus"]]]
    assert (product["fulfillment_type"], product["manual_form_schema"]["fields"][0]["key"]) == (
        "manual",
        "account",
    )
    assert no(ask(dock, key, "POST", "orders", wish(sku))) == (400, "bad_request")
    status, said = ask(
        dock, key, "POST", "orders", wish(sku, manual_form_data={"account": "13800138000"})
    )
    assert (status, said["status"]) in {(200, "paid"), (200, "fulfilling")}
    assert "fulfillment" not in ask(dock, key, "GET", f"orders/{said['order_id']}")[1]
    assert no(ask(dock, key, "POST", f"orders/{said['order_id']}/cancel")) == (
        409,
        "cancel_not_allowed",
    )


def test_products_come_in_pages_and_by_number(dock: Dock, key: Key) -> None:
    made = {dock.goods(cards=n) for n in (1, 2, 3)}
    _, whole = ask(dock, key, "GET", "products", query="?page_size=100")
    assert made <= {sku["id"] for one in whole["items"] for sku in one["skus"]}
    seen: list[int] = []
    for page in range(1, whole["total"] + 1):
        _, part = ask(dock, key, "GET", "products", query=f"?page={page}&page_size=1")
        seen += [one["id"] for one in part["items"]]
    assert seen == [one["id"] for one in whole["items"]]
    assert (
        ask(dock, key, "GET", "products", query="?page=999999999999&page_size=x")[1]["page_size"]
        == 20
    )
    first = whole["items"][0]
    assert ask(dock, key, "GET", f"products/{first['id']}")[1]["product"] == first
    assert first["price_amount"] == "98.6050" and PRICE == 98_6050  # noqa: PT018  # one price, two readings
    for nothing in ("999999999", "0", "-1", "abc", "9" * 30):
        assert no(ask(dock, key, "GET", f"products/{nothing}")) == (404, "product_not_found")
    assert ask(dock, key, "GET", "categories")[1]["categories"][0]["name"] == {"zh-CN": "游戏"}


def test_another_members_order_is_not_there(dock: Dock, key: Key) -> None:
    _, said = ask(dock, key, "POST", "orders", wish(dock.goods(cards=1)))
    stranger = dock.key("dujiao-next")
    for what in (f"orders/{said['order_id']}", "orders/1", "orders/abc", "orders/" + "9" * 30):
        assert no(ask(dock, stranger, "GET", what)) == (404, "order_not_found")
    assert no(ask(dock, stranger, "POST", f"orders/{said['order_id']}/cancel")) == (
        404,
        "order_not_found",
    )


def test_money_that_comes_back_is_told_and_all_of_it_cancels_the_order(
    dock: Dock, key: Key
) -> None:
    _, said = ask(dock, key, "POST", "orders", wish(dock.goods(cards=1)))

    def after(amount: int) -> dict[str, Any]:
        dock.guarded("refund_order", p_station=3, p_order_no=said["order_no"], p_amount=amount,
                     p_note="test", p_actor="test", p_key=str(amount))  # fmt: skip
        told: dict[str, Any] = ask(dock, key, "GET", f"orders/{said['order_id']}")[1]
        return told

    some = after(8_6100)
    assert (some["status"], some["refunded_amount"]) == ("delivered", "8.61")
    rest = after(90_0000)
    assert (rest["status"], rest["refunded_amount"]) == ("canceled", rest["amount"])
    status, cancelled = ask(dock, key, "POST", f"orders/{said['order_id']}/cancel")
    assert (status, cancelled["ok"], cancelled["status"]) == (200, True, "canceled")


def notice_of(dock: Dock, key: Key, order_no: str) -> WebhookRequest | None:
    """What is sent about an order, as it comes to the site downstream."""
    with dock.app.app_context(), station_scope(3):
        api_key = dock.one("SELECT id FROM api_key WHERE key_id = %s", key.key_id)
        found = formats.find("dujiao-next")
        assert found is not None
        sent = found.build(
            DeliveryFacts(
                3, api_key, None, order_no, "order.delivered", "https://a.example", "m", {}
            )
        )
    if sent is None:
        return None
    headers = {name.lower(): value for name, value in sent.headers.items()}
    return WebhookRequest(method=sent.method, path="/cb", query="", headers=headers, body=sent.body)


def test_the_client_believes_our_notices_and_finds_the_cards(dock: Dock, key: Key) -> None:
    url = "https://shop.example.com/api/v1/upstream/callback"
    asked = wish(dock.goods(cards=2), 2, callback_url=url)
    _, said = ask(dock, key, "POST", "orders", asked)
    assert (
        dock.one(
            "SELECT n.url FROM order_notify n JOIN orders o ON o.id = n.order_id WHERE o.order_no = %s",
            said["order_no"],
        )
        == url
    )
    raw = notice_of(dock, key, said["order_no"])
    assert raw is not None
    account = DujiaoAccount(base_url="", api_key=key.key_id, api_secret=Secret(key.secret))
    (event,) = read_notice(account, raw, datetime.now(UTC)).events
    assert (event.purchase_no, event.supplier_ref) == (
        asked["downstream_order_no"],
        str(said["order_id"]),
    )
    assert event.result is not None
    assert (event.result.outcome, len(event.result.deliveries)) == (Outcome.SUCCEEDED, 2)


def test_nobody_is_told_under_a_revoked_key_and_an_address_may_stand_at_the_key(dock: Dock) -> None:
    key = dock.key("dujiao-next", callback_url="https://shop.example.com/cb")
    _, said = ask(dock, key, "POST", "orders", wish(dock.goods(cards=1)))
    assert (
        dock.one(
            "SELECT count(*) FROM order_notify n JOIN orders o ON o.id = n.order_id WHERE o.order_no = %s",
            said["order_no"],
        )
        == 1
    )
    dock.behind(
        "UPDATE api_key SET state = 'revoked', revoked_at = now() WHERE key_id = %s", key.key_id
    )
    assert notice_of(dock, key, said["order_no"]) is None


@pytest.mark.parametrize(("status", "body", "taken"), [
    (200, b'{"ok":true,"message":"received"}', True), (200, b'{"ok":false}', False), (200, b'{"ok":1}', False),
    (200, b"ok", False), (500, b'{"ok":true}', False), (200, b"[" * 9999, False), (200, b"\xff", False),
])  # fmt: skip
def test_only_the_protocols_yes_ends_the_tries(status: int, body: bytes, taken: bool) -> None:
    assert accepts(status, body) is taken


def test_another_address_for_notices_does_not_make_another_order(dock: Dock, key: Key) -> None:
    asked = wish(dock.goods(cards=2))
    first = ask(dock, key, "POST", "orders", asked)
    assert (
        ask(dock, key, "POST", "orders", asked | {"callback_url": "https://moved.example.com/cb"})
        == first
    )
    assert dock.orders(key.member) == 1


DOORS = {
    "another secret": ({"secret": "other"}, (401, "invalid_signature")),
    "another body": ({"sent": b"{}"}, (401, "invalid_signature")),
    "no signature": ({"sign": ""}, (401, "missing_auth_headers")),
    "a signature in Chinese": ({"sign": "签名".encode().decode("latin-1")}, (401, "invalid_signature")),
    "yesterday": ({"time": int(time.time()) - 120}, (401, "timestamp_expired")),
    "tomorrow": ({"time": int(time.time()) + 300}, (401, "timestamp_expired")),
    "no time": ({"time": "now"}, (401, "invalid_timestamp")),
    "an unknown key": ({"key_id": "KM0000000000000000"}, (401, "invalid_api_key")),
    "an odd key": ({"key_id": "' OR 1=1"}, (401, "invalid_api_key")),
    "another station": ({"station": MAIN}, (401, "invalid_api_key")),
}  # fmt: skip


@pytest.mark.parametrize("what", DOORS)
def test_the_door_is_closed_to(dock: Dock, key: Key, what: str) -> None:
    changes, refusal = DOORS[what]
    assert no(ask(dock, key, "POST", "ping", **changes)) == refusal


def test_keys_of_other_dialects_revoked_keys_and_locked_members_stay_outside(
    dock: Dock, key: Key
) -> None:
    assert no(ask(dock, dock.key("kasushou"), "POST", "ping")) in {
        (401, "invalid_api_key"),
        (403, "invalid_api_key"),
    }
    dock.behind("UPDATE member SET state = 'locked' WHERE id = %s", key.member)
    assert no(ask(dock, key, "POST", "ping")) == (403, "user_disabled")
    gone = dock.key("dujiao-next")
    dock.behind(
        "UPDATE api_key SET state = 'revoked', revoked_at = now() WHERE key_id = %s", gone.key_id
    )
    assert no(ask(dock, gone, "POST", "ping")) == (401, "invalid_api_key")


def test_a_request_that_is_sent_again_buys_nothing_more(dock: Dock, key: Key) -> None:
    asked, moment = wish(dock.goods(cards=5)), int(time.time())
    answers = [ask(dock, key, "POST", "orders", asked, time=moment) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert dock.orders(key.member) == 1


def test_too_many_requests_are_counted_and_told(dock: Dock, key: Key) -> None:
    dock.behind("UPDATE api_key SET per_minute = 2 WHERE key_id = %s", key.key_id)
    statuses = [ask(dock, key, "POST", "ping")[0] for _ in range(4)]
    assert statuses[-1] == 429


WRONG_DOORS = [
    ("GET", f"{ROOT}ping", 405), ("GET", f"{ROOT}orders", 405), ("DELETE", f"{ROOT}orders/1", 405),
    ("OPTIONS", f"{ROOT}products", 405), ("POST", f"{ROOT}orders/", 404), ("GET", "/", 404), ("GET", f"{ROOT}x", 404),
    ("PUT", "/<script>", 404), ("POST", f"{ROOT}callback", 404),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), WRONG_DOORS)
def test_wrong_addresses_and_methods_are_refused_in_the_protocols_words(
    dock: Dock, method: str, path: str, status: int
) -> None:
    answer = dock.send(method, MOUNT + path)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert answer.json["error_code"] == "bad_request"


def test_a_huge_body_is_refused_unread(dock: Dock, key: Key) -> None:
    status, code = no(ask(dock, key, "POST", "orders", b"x" * 100_000))
    assert (status, code) == (413, "bad_request")


def test_a_lost_database_says_nothing_of_itself(dock: Dock, key: Key) -> None:
    dock.owner.execute("ALTER TABLE sku RENAME TO sku_elsewhere")
    try:
        status, said = ask(dock, key, "GET", "products")
    finally:
        dock.owner.execute("ALTER TABLE sku_elsewhere RENAME TO sku")
    assert (status, said["error_code"]) == (500, "internal_error")
    assert "sku" not in said["error_message"]
