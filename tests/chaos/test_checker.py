"""Planted violations: each one in a small history, or in the facts of its end, is named by its rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .checker import RULES, answered, check
from .facts import Facts, OrderFact, Pool
from .history import Event, History, operations, read_events

WEB = OrderFact("w1", "W1", "delivered", "POOL", 2, 20_0000, cards_sold=2)
API = OrderFact("api:7:C1", "A1", "delivered", "POOL", 1, 10_0000, cards_sold=1)
BACK = OrderFact("api:7:C2", "A2", "refunded", "HF30", 1, 30_0000, returned=30_0000, is_cards=False)
LEFT = OrderFact("w2", "W2", "expired", "POOL", 1, 10_0000)
SOUND = Facts(
    orders=(WEB, API, BACK, LEFT),
    pools={"POOL": Pool(imported=10, free=7, held=0, sold=3)},
    kept={"w1": 20_0000}, spent={7: 10_0000},
    suppliers={"kakayun": {"by_number": [], "forged_accepted": 0}},
)  # fmt: skip


def happened() -> list[dict[str, Any]]:
    """A sound history: one by page and paid, one by API, one paid back, one left, one refused."""
    events = [_event("invoke", "buy", key, sku=o.sku, quantity=o.quantity)
              for key, o in (("w1", WEB), ("api:7:C1", API), ("api:7:C2", BACK), ("w2", LEFT))]  # fmt: skip
    events += [
        _event("info", "buy", "api:7:C1", code="ReadTimeout"),
        _event("ok", "buy", "api:7:C1", order_no="A1", status=200),
        _event("ok", "buy", "api:7:C2", order_no="A2", status=201),
        _event("ok", "buy", "w1", status=303), _event("ok", "buy", "w2", status=303),
        _event("invoke", "pay", "pay:1", of="w1", way="pay"), _event("ok", "pay", "pay:1", of="w1"),
        _event("ok", "read", "w1#0", of="w1", state="delivered", cards=["c1", "c2"]),
        _event("ok", "read", "a1#0", of="api:7:C1", state="paid", cards=[]),
        _event("ok", "read", "a1#1", of="api:7:C1", state="delivered", cards=["c3"]),
        _event("invoke", "buy", "w3", sku="POOL", quantity=1), _event("fail", "buy", "w3", status=409),
        _event("info", "fault", "kill -9 web", hit=3),
    ]  # fmt: skip
    return [event | {"t": float(n)} for n, event in enumerate(events)]


def _event(event: str, what: str, op: str, **facts: Any) -> dict[str, Any]:
    return {"event": event, "what": what, "op": op, **facts}


def _with(order: OrderFact, **changes: Any) -> Facts:
    """The sound facts, with one order changed."""
    changed = replace(order, **changes)
    return replace(SOUND, orders=tuple(changed if o is order else o for o in SOUND.orders))


def _without(order: OrderFact) -> Facts:
    return replace(SOUND, orders=tuple(o for o in SOUND.orders if o is not order))


def test_a_sound_history_has_no_violation() -> None:
    assert check(happened(), SOUND) == {}
    assert answered(happened()) == {"acknowledged": 4, "refused": 1}


PLANTED_FACTS = [
    ("acknowledged_orders_are_there", _without(LEFT)),
    ("acknowledged_orders_are_there", _with(WEB, quantity=3)),
    ("acknowledged_orders_are_there", _with(API, order_no="A9")),
    ("refused_orders_are_absent", replace(SOUND, orders=(*SOUND.orders, replace(LEFT, key="w3")))),
    ("orders_were_asked_for", replace(SOUND, orders=(*SOUND.orders, replace(LEFT, key="w9")))),
    ("orders_were_asked_for", replace(SOUND, orders=(*SOUND.orders, LEFT))),
    ("acknowledged_orders_end", _with(WEB, state="fulfilling", cards_sold=0)),
    ("acknowledged_orders_end", _with(LEFT, state="pending_payment", overdue=True)),
    ("acknowledged_orders_end", replace(_with(LEFT, state="pending_payment"), kept={"w1": 20_0000, "w2": 1})),
    ("no_card_twice", _with(WEB, cards_sold=3)),
    ("no_card_is_lost", _with(WEB, cards_sold=1)),
    ("no_card_is_lost", _with(LEFT, cards_held=1)),
    ("no_card_is_lost", _with(LEFT, cards_sold=1)),
    ("no_card_is_lost", replace(SOUND, pools={"POOL": Pool(10, 6, 0, 3)})),
    ("no_card_is_lost", replace(SOUND, pools={"POOL": Pool(10, 6, 0, 4)})),
    ("money_at_the_gateway_is_earned", replace(SOUND, kept={})),
    ("money_at_the_gateway_is_earned", replace(SOUND, kept={"w1": 40_0000})),
    ("money_at_the_gateway_is_earned", replace(SOUND, kept={"w1": 20_0000, "w2": 10_0000})),
    ("wallets_paid_for_orders", replace(SOUND, spent={7: 20_0000})),
    ("wallets_paid_for_orders", _with(BACK, returned=0)),
    ("payments_were_heard", _with(WEB, state="pending_payment", cards_sold=0)),
    ("payments_were_heard", _without(WEB)),
    ("suppliers_sold_once", replace(SOUND, suppliers={"yile": {"by_number": [["P1", 2]]}})),
    ("suppliers_sold_once", replace(SOUND, suppliers={"yile": {"forged_accepted": 1}})),
    ("books_are_clean", replace(SOUND, books="THE BOOKS DO NOT ADD UP")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "facts"), PLANTED_FACTS)
def test_a_fault_in_the_end_is_named(rule: str, facts: Facts) -> None:
    assert rule in check(happened(), facts)


PLANTED_EVENTS = [
    ("refused_orders_are_absent", _event("fail", "buy", "w1", status=409)),
    ("reads_agree", _event("fail", "read", "a1#2", of="api:7:C1")),
    ("reads_agree", _event("ok", "read", "a1#2", of="api:7:C1", state="paid", cards=["c3"])),
    ("no_card_twice", _event("ok", "read", "x", of="api:7:C2", state="delivered", cards=["c1"])),
]


@pytest.mark.parametrize(("rule", "event"), PLANTED_EVENTS)
def test_a_fault_in_the_history_is_named(rule: str, event: dict[str, Any]) -> None:
    assert rule in check([*happened(), event | {"t": 99.0}], SOUND)


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, _ in [*PLANTED_FACTS, *PLANTED_EVENTS]} == {r.__name__ for r in RULES}


def test_one_number_acknowledged_as_two_orders_is_named() -> None:
    again = _event("ok", "buy", "api:7:C1", order_no="A8", status=200)
    assert list(check([*happened(), again | {"t": 99.0}], SOUND)) == [
        "acknowledged_orders_are_there"
    ]


def test_what_was_never_answered_may_be_there_or_not() -> None:
    asked = _event("invoke", "buy", "w4", sku="POOL", quantity=1), _event("info", "buy", "w4")
    there = replace(SOUND, orders=(*SOUND.orders, replace(LEFT, key="w4", order_no="W4")))
    assert check([*happened(), *asked], SOUND) == check([*happened(), *asked], there) == {}


def test_who_waits_for_a_person_has_not_been_forgotten() -> None:
    assert check(happened(), _with(LEFT, state="held", waits="risk review")) == {
        "money_at_the_gateway_is_earned": ["w2 is held; the gateway holds 0, due is 100000"]
    }
    held = replace(
        _with(LEFT, state="held", waits="risk review"), kept={"w1": 20_0000, "w2": 10_0000}
    )
    assert check(happened(), held) == {}


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.note("invoke", "buy", "w1", sku="A", quantity=1)
    history.note("info", "buy", "w1", status=0)
    history.note("fail", "buy", "w1", status=409)
    events: list[Event] = read_events(history.path)  # before it is closed: nothing waits in memory
    history.close()
    found = operations(events, "buy")["w1"]
    assert (found.outcome, found.asked["sku"], len(found.heard)) == ("fail", "A", 2)
    assert events[0]["t"] <= events[1]["t"] <= events[2]["t"]
