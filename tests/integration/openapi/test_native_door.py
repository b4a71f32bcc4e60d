"""Who is let in at /api/v1, and what is said to everybody else: a stable code, nothing changed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tests.integration.openapi.docking import DEER, MAIN, Dock, Key, new_number
from tests.integration.openapi.programs import Program, headers

from kameng.db import main_scope, station_scope
from kameng.openapi import api

ACCOUNT = "/api/v1/account"


@pytest.fixture
def program(dock: Dock) -> Program:
    return Program(dock, dock.key("native"))


def refused(answer: Any, code: str) -> dict[str, Any]:
    found = answer.get_json()
    assert answer.mimetype == "application/problem+json", answer.data
    assert (found["code"], found["status"]) == (code, answer.status_code)
    assert found["number"] == api.REFUSALS[code].number
    assert found["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(found)


def test_a_signed_request_is_answered_and_says_how_many_are_left(program: Program) -> None:
    answer = program.send("GET", ACCOUNT)
    assert answer.status_code == 200
    assert answer.json["balance"] == "1000.00"
    assert answer.headers["RateLimit-Policy"] == '"key";q=600;w=60'
    assert answer.headers["RateLimit"].startswith('"key";r=599;t=')


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Kameng_Signature": "0" * 64}, "signature_invalid"),
        ({"Kameng_Signature": ""}, "key_missing"),
        ({"Kameng_Signature": "md5"}, "signature_invalid"),
        ({"Kameng_Signature": "é" * 64}, "signature_invalid"),
        ({"Kameng_Key": ""}, "key_missing"),
        ({"Kameng_Key": "KM0000000000000000"}, "key_unknown"),
        ({"Kameng_Key": "KM' OR 1=1 --\x01"}, "key_unknown"),
        ({"Kameng_Timestamp": ""}, "timestamp_invalid"),
        ({"Kameng_Timestamp": "1e9"}, "timestamp_invalid"),
        ({"Kameng_Nonce": "short"}, "nonce_invalid"),
        ({"Kameng_Nonce": "x" * 65}, "nonce_invalid"),
    ],
)
def test_a_wrong_header_is_refused_in_its_own_words(
    program: Program, changes: dict[str, str], code: str
) -> None:
    refused(program.send("GET", ACCOUNT, **changes), code)


@pytest.mark.parametrize("late", [-301, 301, 10**9])
def test_stale_and_future_requests_are_refused_though_rightly_signed(
    program: Program, late: int
) -> None:
    told = refused(program.send("GET", ACCOUNT, at=time.time() + late), "timestamp_invalid")
    assert abs(told["server_time"] - time.time()) < 5


def test_a_nonce_works_once_and_a_copy_changes_nothing(dock: Dock, program: Program) -> None:
    sku = sku_of(dock)
    body = json.dumps({"sku": sku, "quantity": 1, "merchant_order_no": new_number()}).encode()
    signed = headers(program.key, "POST", "/api/v1/orders", body)
    first, copy = (
        dock.send("POST", "/api/v1/orders", data=body, headers=signed) for _n in range(2)
    )
    assert first.status_code == 201
    refused(copy, "nonce_used")
    assert dock.orders(program.key.member) == 1


def test_the_signature_covers_method_path_query_and_body(dock: Dock, program: Program) -> None:
    other = program.send("GET", "/api/v1/orders?limit=1")
    assert other.status_code == 200
    signed = headers(program.key, "GET", "/api/v1/orders?limit=1")
    for method, path, body in (
        ("GET", "/api/v1/orders?limit=2", b""), ("GET", "/api/v1/orders", b""),
        ("GET", "/api/v1/orders?limit=1", b"x"), ("GET", "/api/v1/products?limit=1", b""),
        ("GET", "/api/v1/orders?limit=%31", b""),
    ):  # fmt: skip
        answer = dock.send(method, path, data=body, headers=signed)
        refused(answer, "signature_invalid")


def test_a_key_works_at_its_own_station_alone_the_main_one_included(dock: Dock) -> None:
    own = Program(dock, dock.key("native", station=MAIN), MAIN)
    assert own.send("GET", ACCOUNT).status_code == 200
    refused(Program(dock, own.key, DEER).send("GET", ACCOUNT), "key_unknown")


def test_an_address_that_is_not_on_the_list_is_refused(dock: Dock) -> None:
    program = Program(dock, dock.key("native", networks=["192.0.2.0/24", "2001:db8::/32"]))
    for address in ("192.0.2.77", "2001:db8::1", "::ffff:192.0.2.5"):
        assert program.send("GET", ACCOUNT, address=address).status_code == 200
    for address in ("192.0.3.1", "2001:db9::1", "::ffff:10.0.0.1"):
        refused(program.send("GET", ACCOUNT, address=address), "ip_refused")


def test_a_scope_that_the_key_lacks_is_named(dock: Dock) -> None:
    program = Program(dock, dock.key("native", scopes=["products.read"]))
    assert program.send("GET", "/api/v1/products").status_code == 200
    assert refused(program.send("GET", ACCOUNT), "scope_missing")["scope"] == "account.read"
    answer = program.buy(sku_of(dock))
    assert refused(answer, "scope_missing")["scope"] == "orders.write"
    assert dock.orders(program.key.member) == 0


def test_two_secrets_live_side_by_side_and_a_revoked_one_stops_at_once(dock: Dock) -> None:
    key = dock.key("native")
    old = Program(dock, key)
    with dock.app.app_context(), station_scope(DEER):
        number = api.keys_of(key.member)[0].id
        new = Program(dock, Key(key.member, key.key_id, api.add_secret(key.member, number, "t")))
    assert old.send("GET", ACCOUNT).status_code == new.send("GET", ACCOUNT).status_code == 200
    with dock.app.app_context(), station_scope(DEER):
        first = api.keys_of(key.member)[0].secrets[0]
        api.revoke_secret(key.member, number, first.id, "t")
    refused(old.send("GET", ACCOUNT), "signature_invalid")
    assert new.send("GET", ACCOUNT).status_code == 200


def test_a_change_made_elsewhere_counts_at_the_next_request(dock: Dock) -> None:
    """What a process remembers of a key is believed only while nothing was changed anywhere."""
    program = Program(dock, dock.key("native"))
    assert program.send("GET", ACCOUNT).status_code == 200
    dock.behind("UPDATE api_key SET state = 'revoked' WHERE key_id = %s", program.key.key_id)
    refused(program.send("GET", ACCOUNT), "key_unknown")
    locked = Program(dock, dock.key("native"))
    assert locked.send("GET", ACCOUNT).status_code == 200
    dock.behind("UPDATE member SET state = 'locked' WHERE id = %s", locked.key.member)
    refused(locked.send("GET", ACCOUNT), "member_locked")


def test_money_is_asked_of_the_database_even_when_nobody_has_said_that_a_key_is_gone(
    dock: Dock, owner: Any
) -> None:
    program = Program(dock, dock.key("native"))
    sku = sku_of(dock)
    assert program.buy(sku).status_code == 201
    owner.execute("UPDATE api_key SET state = 'revoked' WHERE key_id = %s", (program.key.key_id,))
    refused(program.buy(sku), "key_unknown")
    assert dock.orders(program.key.member) == 1


def test_a_switched_off_interface_is_closed_and_opens_again(dock: Dock, program: Program) -> None:
    with dock.app.app_context(), station_scope(DEER):
        api.switch_dialect("native", False, "test")
    try:
        refused(program.send("GET", ACCOUNT), "dialect_off")
    finally:
        with dock.app.app_context(), station_scope(DEER):
            api.switch_dialect("native", True, "test")
    assert program.send("GET", ACCOUNT).status_code == 200


def test_a_key_of_another_interface_does_not_open_this_one(dock: Dock) -> None:
    refused(Program(dock, dock.key("dujiao-next")).send("GET", ACCOUNT), "dialect_wrong")


def test_too_many_requests_of_one_key_wait_and_others_do_not(dock: Dock) -> None:
    key, other = dock.key("native"), Program(dock, dock.key("native"))
    with dock.app.app_context(), main_scope(reason="test"):
        number = dock.one("SELECT id FROM api_key WHERE key_id = %s", key.key_id)
        api.set_limit(DEER, number, 3, "test")
    program = Program(dock, key)
    answers = [program.send("GET", ACCOUNT) for _n in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    told = refused(answers[-1], "too_many")
    assert 0 < told["retry_after"] <= 60
    assert answers[-1].headers["Retry-After"] == str(told["retry_after"])
    assert other.send("GET", ACCOUNT).status_code == 200


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "json_invalid"),
        (b"[]", "json_invalid"),
        (b"{", "json_invalid"),
        (b"\xff\xfe", "json_invalid"),
        (b'{"a": NaN}', "json_invalid"),
        (b"[" * 9000, "json_invalid"),
        (b'{"sku":"A","sku":"B"}', "duplicate_parameter"),
        (b'{"sku":"A","quantity":1,"merchant_order_no":"1","extra":1}', "unknown_field"),
        (b'{"sku":"A","quantity":1}', "field_missing"),
        (b'{"sku":"A","quantity":"1","merchant_order_no":"1"}', "field_invalid"),
        (b'{"sku":"A","quantity":true,"merchant_order_no":"1"}', "field_invalid"),
        (b'{"sku":"A","quantity":1.0,"merchant_order_no":"1"}', "field_invalid"),
        (b'{"sku":1,"quantity":1,"merchant_order_no":"1"}', "field_invalid"),
        (b'{"sku":"A","quantity":1,"merchant_order_no":""}', "field_invalid"),
        (b'{"sku":"A","quantity":1,"merchant_order_no":"a b"}', "field_invalid"),
        (b'{"sku":"A","quantity":1,"merchant_order_no":"1","max_total":5}', "field_invalid"),
        (b'{"sku":"A","quantity":1,"merchant_order_no":"1","max_total":"-1"}', "field_invalid"),
        (b'{"sku":"A","quantity":1,"merchant_order_no":"1","max_total":null}', "field_invalid"),
        (b'{"sku":"A","quantity":1,"merchant_order_no":"1","inputs":[]}', "field_invalid"),
        (b'{"sku":"A","quantity":1,"merchant_order_no":"1","inputs":{"a":1}}', "field_invalid"),
        (b'{"sku":"A","quantity":0,"merchant_order_no":"1"}', "quantity_invalid"),
        (b'{"sku":"\\ud800","quantity":1,"merchant_order_no":"1"}', "sku_unknown"),
        (b'{"sku":"A\\u0000","quantity":1,"merchant_order_no":"1"}', "sku_unknown"),
        (b'{"sku":"NOPE","quantity":1,"merchant_order_no":"1"}', "sku_unknown"),
        (b" " * 65537, "too_large"),
    ],
)
def test_a_body_that_is_not_right_is_refused_by_name(
    dock: Dock, program: Program, raw: bytes, code: str
) -> None:
    refused(program.send("POST", "/api/v1/orders", raw=raw), code)
    assert dock.orders(program.key.member) == 0


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/v1/nothing", "not_found"),
        ("GET", "/api/v1/orders/", "not_found"),
        ("DELETE", "/api/v1/orders", "method_not_allowed"),
        ("PUT", "/api/v1/account", "method_not_allowed"),
        ("TRACE", "/api/v1/account", "method_not_allowed"),
        ("BREW", "/api/v1/orders", "method_not_allowed"),
        ("GET", "/api/v1", "not_found"),
        ("GET", "/api/v1//account", "not_found"),
        ("POST", "/api/v1/orders//1/refund-requests", "not_found"),
        ("GET", "/api/v1/orders/2611000000000000", "order_unknown"),
        ("GET", "/api/v1/orders?merchant_order_no=nope", "order_unknown"),
        ("GET", "/api/v1/orders?limit=0", "field_invalid"),
        ("GET", "/api/v1/orders?limit=101&merchant_order_no=nope", "field_invalid"),
        ("GET", "/api/v1/orders?limit=1&limit=2", "duplicate_parameter"),
        ("GET", "/api/v1/orders?page=1", "unknown_field"),
        ("GET", "/api/v1/orders?cursor=x", "cursor_invalid"),
        ("GET", "/api/v1/orders?cursor=99999999999999999999", "cursor_invalid"),
        ("GET", "/api/v1/products?cursor=-1", "cursor_invalid"),
        ("GET", "/api/v1/products?category=games", "field_invalid"),
        ("GET", "/api/v1/products?category=0", "field_invalid"),
        ("GET", "/api/v1/products?category=", "field_invalid"),
        ("GET", "/api/v1/products/NOPE", "sku_unknown"),
        ("GET", "/api/v1/statements/2026-02-30", "date_invalid"),
        ("GET", "/api/v1/statements/2999-01-01", "date_invalid"),
    ],
)
def test_addresses_and_questions_that_are_not_right(
    program: Program, method: str, path: str, code: str
) -> None:
    refused(program.send(method, path), code)


def test_what_breaks_here_is_told_in_the_words_of_the_interface(
    dock: Dock, program: Program
) -> None:
    dock.app.testing = False  # or the client of the tests would raise it
    dock.owner.execute("ALTER TABLE listing RENAME TO listing_away")
    try:
        told = refused(program.send("GET", "/api/v1/products"), "internal")
    finally:
        dock.owner.execute("ALTER TABLE listing_away RENAME TO listing")
        dock.app.testing = True
    assert told["type"] == "/api/v1/docs#error-internal"


def test_another_members_order_does_not_exist(dock: Dock, program: Program) -> None:
    number = new_number()
    order = program.buy(sku_of(dock), number).json
    stranger = Program(dock, dock.key("native"))
    refused(stranger.send("GET", f"/api/v1/orders/{order['order_no']}"), "order_unknown")
    refused(stranger.send("GET", f"/api/v1/orders?merchant_order_no={number}"), "order_unknown")
    asked = {"reason": "mine", "request_no": "R1"}
    path = f"/api/v1/orders/{order['order_no']}/refund-requests"
    refused(stranger.send("POST", path, asked), "order_unknown")
    assert stranger.send("GET", "/api/v1/orders").json["items"] == []


def test_without_redis_nobody_is_let_in(dock: Dock, program: Program) -> None:
    """Nobody knows then which requests are copies."""
    from kameng import redis

    assert program.send("GET", ACCOUNT).status_code == 200
    sound = dock.app.extensions[redis.EXTENSION]
    dock.app.extensions[redis.EXTENSION] = redis.connect("redis://127.0.0.1:1/0")
    try:
        told = refused(program.send("GET", ACCOUNT), "unavailable")
        refused(program.buy("ANY"), "unavailable")
    finally:
        dock.app.extensions[redis.EXTENSION] = sound
    assert told["number"] == 50301
    assert dock.orders(program.key.member) == 0


def test_after_a_flush_of_redis_all_goes_on(dock: Dock, program: Program) -> None:
    from kameng import redis

    assert program.send("GET", ACCOUNT).status_code == 200
    with dock.app.app_context():
        redis.client().flushdb()
    assert program.send("GET", ACCOUNT).status_code == 200
    assert program.buy(sku_of(dock)).status_code == 201


def test_refusals_are_told_in_english_to_those_who_ask_for_it(program: Program) -> None:
    told = refused(program.send("GET", "/api/v1/products/NOPE?lang=en"), "sku_unknown")
    assert told["title"] == "There is no such SKU."


def sku_of(dock: Dock, cards: int = 3) -> str:
    return str(dock.one("SELECT code FROM sku WHERE id = %s", dock.goods(cards=cards)))
