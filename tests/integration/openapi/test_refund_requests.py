"""A member asks for money back: once at a time, and a yes is exactly one refund."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from kameng.db import db, station_scope
from kameng.errors import DomainError
from kameng.openapi import api as openapi
from kameng.openapi.services.refund_desk import watch_refund_requests

DEER, JIANGNAN = 3, 2
PAID, MONEY = 98_6100, 500_0000


def ask(programs: Any, caller: Any, order_no: str, **changes: Any) -> Any:
    given = {"amount": None, "reason": "卡已被用过", "request_no": "r-1", **changes}
    return programs.inside(caller, openapi.request_refund, order_no, **given)


def code_of(programs: Any, caller: Any, order_no: str, **changes: Any) -> str:
    try:
        return str(ask(programs, caller, order_no, **changes).state)
    except DomainError as refusal:
        return refusal.code


def number_of(programs: Any, caller: Any, request_no: str = "r-1") -> int:
    return int(
        programs.shop.one(
            "SELECT id FROM refund_request WHERE member_id = %s AND request_no = %s",
            caller.member_id, request_no,
        )
    )  # fmt: skip


def accept(programs: Any, request_id: int, who: int = 1) -> str:
    try:
        return str(
            programs.as_main(
                openapi.accept_refund_request, DEER, request_id, f"staff:{who}", "同意"
            )
        )
    except DomainError as refusal:
        return refusal.code


def decline(programs: Any, request_id: int) -> str:
    try:
        return str(
            programs.as_main(
                openapi.decline_refund_request, DEER, request_id, "staff:1", "卡是好的"
            )
        )
    except DomainError as refusal:
        return refusal.code


def refunds(programs: Any, order_id: int) -> int:
    return int(programs.shop.one("SELECT count(*) FROM refund WHERE order_id = %s", order_id))


def topics(programs: Any, order_id: int) -> list[str]:
    rows = programs.shop.owner.execute(
        "SELECT topic, payload FROM outbox WHERE (payload ->> 'order_id')::bigint = %s"
        " AND topic LIKE 'refund_request.%%' ORDER BY id",
        (order_id,),
    ).fetchall()
    assert all(set(payload) == {"request_id", "order_id", "member_id"} for _t, payload in rows)
    return [topic for topic, _payload in rows]


def test_all_that_is_left_is_asked_for_and_given_back_to_the_wallet(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    asked = ask(programs, caller, placed.order_no)
    assert (asked.amount, asked.state, asked.repeated) == (PAID, "open", False)
    assert accept(programs, number_of(programs, caller)) == "ok"
    (now,) = programs.inside(caller, openapi.refund_requests_of, placed.order_no)
    assert (now.state, now.answer) == ("accepted", "同意")
    assert programs.shop.state(DEER, placed.order_id) == "refunded"
    assert programs.shop.balance(DEER, "wallet", str(caller.member_id)) == MONEY
    assert topics(programs, placed.order_id) == ["refund_request.accepted"]
    programs.shop.assert_books_balance()


def test_the_same_number_and_content_is_the_same_request(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    first = ask(programs, caller, placed.order_no, amount=1_0000)
    again = ask(programs, caller, placed.order_no, amount=1_0000)
    assert again.repeated
    assert again.created_at == first.created_at
    assert code_of(programs, caller, placed.order_no, amount=2_0000) == "conflict"
    other = programs.bought(caller)
    assert code_of(programs, caller, other.order_no, amount=1_0000) == "conflict"


def test_members_numbers_do_not_meet(programs: Any) -> None:
    for caller in (programs.caller(balance=MONEY), programs.caller(balance=MONEY)):
        assert not ask(programs, caller, programs.bought(caller).order_no).repeated


def test_of_many_requests_at_once_one_is_open(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    with ThreadPoolExecutor(8) as pool:
        numbers = [f"r-{n}" for n in range(24)]
        codes = list(
            pool.map(lambda n: code_of(programs, caller, placed.order_no, request_no=n), numbers)
        )
    assert Counter(codes) == {"open": 1, "refund_request_open": 23}


def test_copies_of_one_request_at_once_are_one_request(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: ask(programs, caller, placed.order_no), range(24)))
    assert Counter(one.repeated for one in found) == {False: 1, True: 23}


def test_many_people_accepting_at_once_give_the_money_back_once(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    ask(programs, caller, placed.order_no, amount=30_0000)
    request = number_of(programs, caller)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda who: accept(programs, request, who), range(1, 17)))
    assert Counter(codes) == {"ok": 1, "repeat": 15}
    assert refunds(programs, placed.order_id) == 1
    spent = PAID - 30_0000
    assert programs.shop.balance(DEER, "wallet", str(caller.member_id)) == MONEY - spent
    assert topics(programs, placed.order_id) == ["refund_request.accepted"]


def test_yes_and_no_at_once_are_one_of_the_two(programs: Any) -> None:
    for _round in range(5):
        caller = programs.caller(balance=MONEY)
        placed = programs.bought(caller)
        ask(programs, caller, placed.order_no)
        request = number_of(programs, caller)
        with ThreadPoolExecutor(3) as pool:
            yes, no = (
                pool.submit(accept, programs, request),
                pool.submit(decline, programs, request),
            )
            gone = pool.submit(
                programs.inside, caller, openapi.withdraw_refund_request, placed.order_no, "r-1"
            )
        told = [yes.result() == "ok", no.result() == "ok", gone.exception() is None]
        assert sum(told) == 1
        assert refunds(programs, placed.order_id) == int(told[0])
        assert len(topics(programs, placed.order_id)) == int(told[0] or told[1])


def test_a_no_is_answered_and_another_request_may_follow(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    ask(programs, caller, placed.order_no)
    request = number_of(programs, caller)
    assert [decline(programs, request), decline(programs, request)] == ["ok", "repeat"]
    assert accept(programs, request) == "request_decided"
    assert topics(programs, placed.order_id) == ["refund_request.declined"]
    again = ask(programs, caller, placed.order_no, request_no="r-2")
    newest, first = programs.inside(caller, openapi.refund_requests_of, placed.order_no)
    assert newest.request_no == again.request_no
    assert (first.state, first.answer) == ("declined", "卡是好的")


def test_a_request_that_is_taken_back_cannot_be_accepted(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    ask(programs, caller, placed.order_no)
    for _twice in range(2):
        gone = programs.inside(caller, openapi.withdraw_refund_request, placed.order_no, "r-1")
        assert gone.state == "withdrawn"
    assert accept(programs, number_of(programs, caller)) == "request_decided"
    with pytest.raises(DomainError, match="request_unknown"):
        programs.inside(caller, openapi.withdraw_refund_request, placed.order_no, "r-9")


@pytest.mark.parametrize("amount", [0, -100, 150, PAID + 100, 10**30, -(10**30)])
def test_what_was_not_paid_cannot_be_asked_for(programs: Any, amount: int) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    with pytest.raises(DomainError) as refusal:
        ask(programs, caller, placed.order_no, amount=amount)
    assert (refusal.value.code, refusal.value.facts) == ("amount_invalid", {"refundable": PAID})


@pytest.mark.parametrize(
    "changes",
    [{"request_no": ""}, {"request_no": "a b"}, {"request_no": "x" * 65}, {"request_no": "é"},
     {"reason": " \n"}, {"reason": "x" * 201}],
)  # fmt: skip
def test_a_number_or_reason_that_cannot_be_is_refused(programs: Any, changes: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    assert code_of(programs, caller, placed.order_no, **changes) == "field_invalid"


def test_anothers_order_does_not_exist(programs: Any) -> None:
    theirs, stranger = programs.caller(balance=MONEY), programs.caller(balance=MONEY)
    elsewhere = programs.caller(balance=MONEY, station=JIANGNAN)
    placed = programs.bought(theirs)
    ask(programs, theirs, placed.order_no)
    for caller in (stranger, elsewhere):
        assert code_of(programs, caller, placed.order_no, request_no="x") == "order_unknown"
        for use_case, more in (
            (openapi.refund_requests_of, ()), (openapi.withdraw_refund_request, ("r-1",)),
        ):  # fmt: skip
            with pytest.raises(DomainError, match="order_unknown"):
                programs.inside(caller, use_case, placed.order_no, *more)


def test_an_order_that_nobody_has_paid_has_nothing_to_give_back(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    unpaid = programs.shop.place(programs.shop.sku(cards=1), member_id=caller.member_id)
    assert code_of(programs, caller, unpaid.order_no) == "refund_not_possible"


def test_a_held_order_is_given_back_as_a_whole_and_its_cards_return(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    code = programs.shop.sku(cards=1)
    placed = programs.bought(caller, code, risk=("review", []))
    assert code_of(programs, caller, placed.order_no, amount=1_0000) == "amount_invalid"
    assert ask(programs, caller, placed.order_no).amount == PAID
    assert accept(programs, number_of(programs, caller)) == "ok"
    assert programs.shop.state(DEER, placed.order_id) == "refunded"
    assert programs.bought(caller, code).order_id != placed.order_id  # the card is free again
    programs.shop.assert_books_balance()


def fulfilling(programs: Any, caller: Any, supplier: str) -> Any:
    """A top-up that has been handed to somebody."""
    placed = programs.bought(caller, programs.shop.sku("top_up"))
    programs.shop.plant(
        "INSERT INTO purchase(station_id, purchase_no, order_id, plugin_id, supplier_id,"
        " connection_id, sku_id, quantity, state, waits_for) SELECT o.station_id,"
        " 'P' || o.order_no, o.id, c.plugin_id, c.supplier_id, c.id, o.sku_id, o.quantity, 'sent',"
        " 'desk' FROM orders o, supply_connection c JOIN supplier s ON s.id = c.supplier_id"
        f" WHERE o.id = {placed.order_id} AND s.code = '{supplier}';"
        f" UPDATE orders SET state = 'fulfilling' WHERE id = {placed.order_id}"
    )
    return placed


def test_what_our_own_people_were_to_do_is_called_off(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = fulfilling(programs, caller, "desk")
    ask(programs, caller, placed.order_no)
    assert accept(programs, number_of(programs, caller)) == "ok"
    assert programs.shop.state(DEER, placed.order_id) == "refunded"
    state = programs.shop.one("SELECT state FROM purchase WHERE order_id = %s", placed.order_id)
    assert state == "declined"
    programs.shop.assert_books_balance()


def test_what_a_supplier_may_still_deliver_is_not_given_back(programs: Any) -> None:
    programs.shop.plant(
        "WITH s AS (INSERT INTO supplier(code, name, state) VALUES ('s1', 'S', 'active')"
        " RETURNING id) INSERT INTO supply_connection(supplier_id, plugin_id, name)"
        " SELECT id, 'supplier-test', 'S' FROM s"
    )
    caller = programs.caller(balance=MONEY)
    placed = fulfilling(programs, caller, "s1")
    ask(programs, caller, placed.order_no)
    request = number_of(programs, caller)
    assert accept(programs, request) == "purchase_open"
    assert programs.shop.state(DEER, placed.order_id) == "fulfilling"
    assert decline(programs, request) == "ok"  # somebody can still answer


def test_part_given_back_meanwhile_leaves_less_than_was_asked(programs: Any) -> None:
    from kameng.payments.api import request_refund

    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    ask(programs, caller, placed.order_no)
    with programs.shop.app.app_context():
        request_refund(DEER, placed.order_no, 90_0000, "half", "staff:1", "k")
    assert accept(programs, number_of(programs, caller)) == "above_paid"
    assert refunds(programs, placed.order_id) == 1


def test_money_that_is_on_its_way_already_is_not_given_back_again(programs: Any) -> None:
    from kameng.payments.api import request_refund

    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    ask(programs, caller, placed.order_no)
    with programs.shop.app.app_context():
        request_refund(DEER, placed.order_no, PAID, "all", "staff:1", "k")
    assert accept(programs, number_of(programs, caller)) == "ok"
    assert refunds(programs, placed.order_id) == 1
    assert programs.shop.balance(DEER, "wallet", str(caller.member_id)) == MONEY


def test_staff_sees_who_waits_and_is_warned_after_a_day(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    ask(programs, caller, placed.order_no)
    request = number_of(programs, caller)
    open_ones = {one.id: one for one in programs.as_main(openapi.open_refund_requests, DEER)}
    assert (open_ones[request].order_no, open_ones[request].late) == (placed.order_no, False)
    programs.shop.plant(
        f"UPDATE refund_request SET created_at = now() - interval '25 hours' WHERE id = {request}"
    )
    assert programs.as_main(openapi.refund_request, DEER, request).late
    alerts = f"SELECT count(*) FROM alert WHERE state = 'open' AND subject = 'refund_request:3:{request}'"
    for _twice in range(2):
        assert programs.as_main(watch_refund_requests) == 1
        assert programs.shop.one(alerts) == 1
    assert decline(programs, request) == "ok"
    programs.as_main(watch_refund_requests)
    assert programs.shop.one(alerts) == 0


def test_an_answer_is_needed(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    ask(programs, caller, programs.bought(caller).order_no)
    request = number_of(programs, caller)
    for use_case in (openapi.accept_refund_request, openapi.decline_refund_request):
        with pytest.raises(DomainError, match="answer_missing"):
            programs.as_main(use_case, DEER, request, "staff:1", " \0 ")
    with pytest.raises(DomainError, match="request_unknown"):
        programs.as_main(openapi.accept_refund_request, JIANGNAN, request, "staff:1", "同意")


def test_decisions_stand_in_the_audit_log(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    placed = programs.bought(caller)
    ask(programs, caller, placed.order_no)
    accept(programs, number_of(programs, caller))
    (actor, detail) = programs.shop.owner.execute(
        "SELECT actor, detail FROM audit_event WHERE action = 'refund_request.accept'"
        " AND subject = %s", (f"order:{placed.order_id}",),
    ).fetchone()  # fmt: skip
    assert (actor, detail["amount"], detail["order"]) == ("staff:1", "98.61", placed.order_no)
    assert detail["refund"].startswith("R")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE refund_request SET state = 'accepted'",
        "DELETE FROM refund_request",
        "INSERT INTO refund_request(station_id, request_no, request_hash, order_id, member_id,"
        " amount, reason) SELECT station_id, 'x', '', id, member_id, 100, 'x' FROM orders LIMIT 1",
        "SELECT accept_refund_request(3, 1, 'x', 'x')",
        "SELECT decline_refund_request(3, 1, 'x', 'x')",
    ],
)
def test_no_page_of_a_station_decides_for_itself(programs: Any, statement: str) -> None:
    with programs.shop.app.app_context(), station_scope(DEER), pytest.raises(DBAPIError):
        db.session.execute(sa.text(statement))


def test_a_station_lists_its_own_members_requests(programs: Any) -> None:
    here, there = programs.caller(balance=MONEY), programs.caller(balance=MONEY, station=JIANGNAN)
    for caller in (here, there):
        ask(programs, caller, programs.bought(caller).order_no)
    with programs.shop.app.app_context(), station_scope(DEER):
        listed, _more = openapi.station_refund_requests("open", size=100)
    assert number_of(programs, here) in {one.id for one in listed}
    assert {one.station_id for one in listed} == {DEER}
