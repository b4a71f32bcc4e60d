"""The sandbox answers as the real thing does, and moves neither goods nor money."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from kameng.db import db, station_scope
from kameng.errors import DomainError
from kameng.openapi.domain.buying import fingerprint
from kameng.openapi.domain.facts import Buy
from kameng.openapi.domain.sandbox import BALANCE
from kameng.openapi.services import sandbox, sandbox_news, sandbox_refunds

DEER = 3
PAID = 98_6100


@pytest.fixture
def caller(programs: Any) -> Any:
    return programs.caller(mode="sandbox")


def buy(programs: Any, caller: Any, sku: str, number: str = "m-1", **changes: Any) -> Any:
    given = {"sku": sku, "quantity": 1, "merchant_order_no": number, **changes}
    wanted = Buy(**given)
    return programs.inside(caller, sandbox.buy, wanted, fingerprint("native", wanted))


def code_of(programs: Any, caller: Any, sku: str, number: str = "m-1", **changes: Any) -> str:
    try:
        return str(buy(programs, caller, sku, number, **changes).order.state)
    except DomainError as refusal:
        return refusal.code


def balance(programs: Any, caller: Any) -> int:
    return int(programs.inside(caller, sandbox.account).balance)


def age(programs: Any, caller: Any, seconds: int) -> None:
    """All of the key's orders and requests become older."""
    back = f"- interval '{seconds} seconds'"
    mine = f"station_id = {DEER} AND api_key_id = {caller.api_key_id}"
    programs.shop.plant(
        f"UPDATE sandbox_refund SET created_at = created_at {back} WHERE sandbox_order_id IN"
        f" (SELECT id FROM sandbox_order WHERE {mine});"
        f"UPDATE sandbox_order SET created_at = created_at {back} WHERE {mine}"
    )


def state(programs: Any, caller: Any, number: str = "m-1") -> str:
    return str(programs.inside(caller, sandbox.order_of, number).state)


def ask(programs: Any, caller: Any, order_no: str, **changes: Any) -> Any:
    given = {"amount": None, "reason": "try", "request_no": "r-1", **changes}
    return programs.inside(caller, sandbox_refunds.request_refund, order_no, **given)


def asked(programs: Any, caller: Any, order_no: str, **changes: Any) -> str:
    try:
        return str(ask(programs, caller, order_no, **changes).state)
    except DomainError as refusal:
        return refusal.code


def test_cards_are_there_at_once_and_nothing_real_has_moved(programs: Any, caller: Any) -> None:
    shop = programs.shop
    code = shop.sku(cards=3)
    before = shop.one("SELECT count(*) FROM orders"), shop.one("SELECT count(*) FROM transfer")
    made = buy(programs, caller, code, quantity=2).order
    assert (made.state, made.total, made.delivered, made.sandbox) == (
        "delivered",
        197_2100,
        2,
        True,
    )
    assert made.order_no.startswith("T")
    assert [card.code for card in made.cards] == [f"SANDBOX-{made.order_no}-{n}" for n in (1, 2)]
    again = programs.inside(caller, sandbox.order, made.order_no)
    assert again == programs.inside(caller, sandbox.order_of, "m-1") == made
    assert balance(programs, caller) == BALANCE - 197_2100
    after = shop.one("SELECT count(*) FROM orders"), shop.one("SELECT count(*) FROM transfer")
    assert after == before
    assert shop.one("SELECT count(*) FROM card WHERE status <> 0 AND station_id = 3") == 0


def test_the_same_number_is_the_same_order_and_other_content_a_conflict(
    programs: Any, caller: Any
) -> None:
    code = programs.shop.sku(cards=3)
    first = buy(programs, caller, code)
    again = buy(programs, caller, code)
    assert (first.repeated, again.repeated) == (False, True)
    assert again.order == first.order
    assert code_of(programs, caller, code, quantity=2) == "conflict"
    other = programs.caller(mode="sandbox")
    assert not buy(programs, other, code).repeated  # keys do not meet


def test_copies_at_once_are_one_order(programs: Any, caller: Any) -> None:
    code = programs.shop.sku(cards=3)
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _n: buy(programs, caller, code), range(12)))
    assert Counter(one.repeated for one in made) == {False: 1, True: 11}
    assert len({one.order.order_no for one in made}) == 1


def test_the_balance_cannot_be_spent_twice_at_once(programs: Any, caller: Any) -> None:
    code = programs.shop.sku(cards=60)
    programs.shop.plant(f"UPDATE sku SET max_quantity = 100 WHERE code = '{code}'")
    numbers = [f"m-{n}" for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        codes = pool.map(lambda n: code_of(programs, caller, code, n, quantity=60), numbers)
    assert Counter(codes) == {"delivered": 1, "insufficient_balance": 3}
    assert balance(programs, caller) == BALANCE - 60 * 98_6050


@pytest.mark.parametrize(
    ("plant", "changes", "code"),
    [
        ("", {"sku": "NOPE"}, "sku_unknown"),
        ("", {"quantity": 0}, "quantity_invalid"),
        ("UPDATE sku SET max_quantity = 2 WHERE code = '{}'", {"quantity": 3}, "quantity_invalid"),
        ("UPDATE sku SET state = 'off_sale' WHERE code = '{}'", {}, "not_on_sale"),
        ("UPDATE listing SET active = false", {}, "not_on_sale"),
        ("", {"quantity": 9}, "out_of_stock"),
        ("", {"max_total": PAID - 100}, "max_total_exceeded"),
        ("", {"number": "a b"}, "field_invalid"),
        ("", {"inputs": {"phone": "1"}}, "inputs_invalid"),
        ("", {"notify_url": "http://127.0.0.1/"}, "notify_url_invalid"),
        ("UPDATE station SET state = 'suspended' WHERE id = 3", {}, "station_closed"),
        ("", {"number": "m-stock"}, "out_of_stock"),
        ("", {"number": "m-funds"}, "insufficient_balance"),
        ("", {"number": "m-busy"}, "unavailable"),
    ],
)
def test_a_refusal_is_the_real_one_and_leaves_nothing_behind(
    programs: Any, caller: Any, plant: str, changes: dict[str, Any], code: str
) -> None:
    sku = programs.shop.sku(cards=5)
    if plant:
        programs.shop.plant(plant.format(sku))
    try:
        assert code_of(programs, caller, changes.pop("sku", sku), **changes) == code
    finally:
        programs.shop.plant(
            "UPDATE station SET state = 'active' WHERE id = 3; UPDATE listing SET active = true"
        )
    assert balance(programs, caller) == BALANCE
    assert programs.inside(caller, sandbox.orders) == ([], "")


def test_what_costs_exactly_the_limit_is_bought(programs: Any, caller: Any) -> None:
    code = programs.shop.sku(cards=1)
    assert code_of(programs, caller, code, max_total=PAID) == "delivered"


def test_a_top_up_takes_a_moment_and_asks_for_its_inputs(programs: Any, caller: Any) -> None:
    code = programs.shop.sku("top_up")
    programs.shop.plant(
        "INSERT INTO purchase_field(product_id, name, label, kind, required, pattern, help, choices,"
        f" position) SELECT product_id, 'phone', '手机号', 'phone', true, '', '', '{{}}', 1 FROM sku"
        f" WHERE code = '{code}'"
    )
    assert code_of(programs, caller, code) == "inputs_invalid"
    made = buy(programs, caller, code, inputs={"phone": "138 0013 6021"}).order
    assert (made.state, made.delivered, made.cards) == ("fulfilling", 0, ())
    assert made.inputs == {"phone": "13800136021"}
    age(programs, caller, 5)
    later = programs.inside(caller, sandbox.order_of, "m-1")
    assert (later.state, later.delivered, later.delivery_text) == ("delivered", 1, "SANDBOX")
    assert later.delivered_at is not None


def test_slow_held_and_failing_orders_go_their_way(programs: Any, caller: Any) -> None:
    code = programs.shop.sku(cards=3)
    for number in ("a-slow", "a-hold", "a-fail"):
        assert code_of(programs, caller, code, number) == "paid"
    assert balance(programs, caller) == BALANCE - 3 * PAID
    age(programs, caller, 30)
    states = {n: state(programs, caller, n) for n in ("a-slow", "a-hold", "a-fail")}
    assert states == {"a-slow": "delivered", "a-hold": "paid", "a-fail": "refunded"}
    assert balance(programs, caller) == BALANCE - 2 * PAID
    listed, _cursor = programs.inside(caller, sandbox.orders)
    assert {one.merchant_order_no: one.refunded for one in listed}["a-fail"] == PAID


def test_pages_of_orders_hold_each_order_once_and_no_cards(programs: Any, caller: Any) -> None:
    code = programs.shop.sku(cards=5)
    for number in range(5):
        buy(programs, caller, code, f"m-{number}")
    seen, cursor = [], ""
    while True:
        page, cursor = programs.inside(caller, sandbox.orders, cursor, 2)
        assert all(one.cards == () for one in page)
        seen += [one.merchant_order_no for one in page]
        if not cursor:
            break
    assert seen == [f"m-{n}" for n in (4, 3, 2, 1, 0)]
    with pytest.raises(DomainError, match="cursor_invalid"):
        programs.inside(caller, sandbox.orders, "x")


def test_another_keys_order_does_not_exist(programs: Any, caller: Any) -> None:
    made = buy(programs, caller, programs.shop.sku(cards=1)).order
    same_member = programs.caller(mode="sandbox", member=caller.member_id)
    for stranger in (same_member, programs.caller(mode="sandbox", station=2)):
        for use_case, number in ((sandbox.order, made.order_no), (sandbox.order_of, "m-1")):
            with pytest.raises(DomainError, match="order_unknown"):
                programs.inside(stranger, use_case, number)
        assert asked(programs, stranger, made.order_no) == "order_unknown"
        assert balance(programs, stranger) == BALANCE


def test_money_is_asked_back_and_comes_after_a_moment(programs: Any, caller: Any) -> None:
    made = buy(programs, caller, programs.shop.sku(cards=1)).order
    assert ask(programs, caller, made.order_no, amount=30_0000).state == "open"
    assert ask(programs, caller, made.order_no, amount=30_0000).repeated
    assert asked(programs, caller, made.order_no, amount=31_0000) == "conflict"
    assert asked(programs, caller, made.order_no, request_no="r-2") == "refund_request_open"
    assert balance(programs, caller) == BALANCE - PAID
    age(programs, caller, 5)
    (one,) = programs.inside(caller, sandbox_refunds.refund_requests_of, made.order_no)
    assert (one.state, one.answer, one.decided_at is not None) == ("accepted", "SANDBOX", True)
    assert balance(programs, caller) == BALANCE - PAID + 30_0000
    assert programs.inside(caller, sandbox.order, made.order_no).refunded == 30_0000
    assert asked(programs, caller, made.order_no, request_no="r-2", amount=PAID) == "amount_invalid"
    assert ask(programs, caller, made.order_no, request_no="r-3-decline").amount == PAID - 30_0000
    age(programs, caller, 5)
    assert state(programs, caller) == "delivered"
    ask(programs, caller, made.order_no, request_no="r-4")
    age(programs, caller, 5)
    assert state(programs, caller) == "refunded"
    assert balance(programs, caller) == BALANCE
    assert asked(programs, caller, made.order_no, request_no="r-5") == "refund_not_possible"


def test_of_two_requests_at_once_one_is_open(programs: Any, caller: Any) -> None:
    made = buy(programs, caller, programs.shop.sku(cards=1)).order
    with ThreadPoolExecutor(4) as pool:
        numbers = [f"r-{n}" for n in range(8)]
        codes = pool.map(lambda n: asked(programs, caller, made.order_no, request_no=n), numbers)
    assert Counter(codes) == {"open": 1, "refund_request_open": 7}


def test_an_order_stopped_in_time_is_not_delivered(programs: Any, caller: Any) -> None:
    made = buy(programs, caller, programs.shop.sku(cards=1), "m-slow").order
    assert asked(programs, caller, made.order_no, amount=1_0000) == "amount_invalid"
    ask(programs, caller, made.order_no)
    age(programs, caller, 60)
    later = programs.inside(caller, sandbox.order, made.order_no)
    assert (later.state, later.delivered, later.cards) == ("refunded", 0, ())


def test_webhooks_are_told_once_of_what_time_has_done(programs: Any, caller: Any) -> None:
    programs.shop.plant(
        "INSERT INTO webhook_endpoint(station_id, member_id, url, events, sealed) VALUES"
        f" ({DEER}, {caller.member_id}, 'https://example.com/', '{{}}', '')"
    )
    code = programs.shop.sku(cards=9)
    url = "https://example.com/order"
    made = buy(programs, caller, code, "w-1", notify_url=url).order
    for number in ("w-slow", "w-hold", "w-fail"):
        buy(programs, caller, code, number)
    programs.as_main(sandbox_news.announce_sandbox)
    assert events(programs, caller) == [("order.delivered", "w-1")]
    ask(programs, caller, made.order_no)
    age(programs, caller, 40)
    for _twice in range(2):
        programs.as_main(sandbox_news.announce_sandbox)
    assert events(programs, caller)[1:] == [
        ("order.delivered", "w-slow"), ("order.refunded", "w-fail"),
        ("refund_request.accepted", None), ("order.refunded", "w-1"),
    ]  # fmt: skip
    assert programs.shop.one(
        "SELECT count(*) FROM webhook_delivery WHERE api_key_id = %s AND url = %s"
        " AND format = 'native'", caller.api_key_id, url,
    ) == 2  # fmt: skip


def events(programs: Any, caller: Any) -> list[tuple[str, str | None]]:
    rows = programs.shop.owner.execute(
        "SELECT event, payload FROM webhook_message WHERE member_id = %s ORDER BY id",
        (caller.member_id,),
    ).fetchall()
    assert all(payload["data"]["sandbox"] and payload["type"] == event for event, payload in rows)
    assert "SANDBOX-" not in str(rows)  # no cards
    return [(event, payload["data"].get("merchant_order_no")) for event, payload in rows]


def test_old_orders_are_forgotten_with_their_requests(programs: Any, caller: Any) -> None:
    made = buy(programs, caller, programs.shop.sku(cards=1)).order
    ask(programs, caller, made.order_no)
    programs.as_main(sandbox_news.prune_sandbox)
    assert state(programs, caller) == "delivered"
    age(programs, caller, 91 * 86_400)
    assert programs.as_main(sandbox_news.prune_sandbox) == 1
    with pytest.raises(DomainError, match="order_unknown"):
        programs.inside(caller, sandbox.order, made.order_no)
    assert balance(programs, caller) == BALANCE


@pytest.mark.parametrize(
    "statement", ["UPDATE sandbox_order SET payable = 1", "DELETE FROM sandbox_order",
                  "UPDATE sandbox_refund SET amount = 1", "DELETE FROM sandbox_refund"],
)  # fmt: skip
def test_what_was_tried_is_not_rewritten(programs: Any, statement: str) -> None:
    with programs.shop.app.app_context(), station_scope(DEER), pytest.raises(DBAPIError):
        db.session.execute(sa.text(statement))
