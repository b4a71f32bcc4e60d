"""Velocity: exact at the boundary, with Redis and without; broken rules; the desk."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kameng import redis as kameng_redis
from kameng.db import db, main_scope, station_scope
from kameng.errors import Conflict
from kameng.jobs.api import drain
from kameng.plugins import api as plugins
from kameng.plugins.bound_risk import broken_rule
from kameng.risk import api as risk
from kameng.risk import tasks
from kameng.risk.domain import Count
from kameng.risk.services import counting
from kameng.supply import tasks as supply_tasks

MAIN, JIANGNAN, DEER = 1, 2, 3


@pytest.fixture
def ready(shop):
    assert tasks
    assert supply_tasks
    with shop.app.app_context():
        yield shop


@pytest.fixture
def no_redis(ready):
    """Nobody listens at the application's Redis."""
    client = ready.app.extensions[kameng_redis.EXTENSION]
    ready.app.extensions[kameng_redis.EXTENSION] = kameng_redis.connect("redis://127.0.0.1:1/0")
    yield ready
    ready.app.extensions[kameng_redis.EXTENSION] = client


def address() -> str:
    return f"192.0.2.{secrets.token_hex(4)}"


def assess(shop, ip, kind="top_up", station=DEER, event_id=""):
    with shop.app.app_context(), station_scope(station):
        return risk.assess_order(
            station, kind, ip, None, "a@example.com", 100_0000, {}, event_id or secrets.token_hex(8)
        )


def at_once(shop, ip, attempts=50):
    """Everybody at the same moment, from three stations."""
    barrier = threading.Barrier(10)

    def one(number):
        barrier.wait()
        return assess(shop, ip, station=1 + number % 3)[0]

    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(one, range(attempts)))


def test_R1_nine_pass_and_the_tenth_is_held(ready):
    ip = address()
    assert [assess(ready, ip)[0] for _ in range(11)] == ["allow"] * 9 + ["review"] * 2
    decision, reasons = assess(ready, ip)
    assert decision == "review"
    assert reasons[0]["code"] == "velocity.top_up.ip"
    assert assess(ready, address())[0] == "allow"


def test_R1_exactly_nine_of_fifty_at_once_pass_across_stations(ready):
    decisions = at_once(ready, address())
    assert (decisions.count("allow"), decisions.count("review")) == (9, 41)


def test_R1_exactly_nine_of_fifty_at_once_pass_without_redis(no_redis):
    decisions = at_once(no_redis, address())
    assert (decisions.count("allow"), decisions.count("review")) == (9, 41)


def test_R1_the_same_order_sent_again_counts_once(ready):
    ip, key = address(), secrets.token_hex(8)
    assert {assess(ready, ip, event_id=key)[0] for _ in range(15)} == {"allow"}


def test_R1_the_same_order_sent_again_counts_once_without_redis(no_redis):
    ip, key = address(), secrets.token_hex(8)
    assert {assess(no_redis, ip, event_id=key)[0] for _ in range(15)} == {"allow"}


def test_R1_card_orders_neither_count_nor_are_held(ready):
    ip = address()
    assert {assess(ready, ip, kind="card")[0] for _ in range(20)} == {"allow"}
    assert assess(ready, ip)[0] == "allow"


def test_the_window_slides(ready):
    ip = address()
    wanted = [Count("t.window", ip, 1)]
    with station_scope(DEER):
        for number in range(3):
            assert counting.count(DEER, f"e{number}", wanted) == {"t.window": number + 1}
        threading.Event().wait(1.1)
        assert counting.count(DEER, "e9", wanted) == {"t.window": 1}


def test_the_window_slides_without_redis(no_redis):
    wanted = [Count("t.window", address(), 1)]
    with station_scope(DEER):
        for number in range(3):
            assert counting.count(DEER, f"e{number}", wanted) == {"t.window": number + 1}
        threading.Event().wait(1.1)
        assert counting.count(DEER, "e9", wanted) == {"t.window": 1}


@pytest.mark.parametrize("kind", ["top_up", "card"])
def test_a_broken_rule_holds_and_never_allows(ready, monkeypatch, kind):
    monkeypatch.setattr(plugins, "risk_rules", lambda station: [broken_rule("risk-x", station, "")])
    decision, reasons = assess(ready, address(), kind=kind)
    assert (decision, reasons[0]["code"]) == ("review", "rule_failed")


def test_rules_that_cannot_be_found_out_hold(ready, monkeypatch):
    def away(_station):
        raise RuntimeError("no plugin host")

    monkeypatch.setattr(plugins, "risk_rules", away)
    assert assess(ready, address())[0] == "review"


def test_every_decision_is_kept_and_no_transaction_stays_open(ready):
    ip, key = address(), secrets.token_hex(8)
    with station_scope(DEER):
        risk.assess_order(DEER, "top_up", ip, None, "a@example.com", 1_0000, None, key)
        assert not db.session().in_transaction()
    with main_scope(reason="test"):
        (kept,) = [
            one for one in risk.recent_decisions(with_allowed=True) if one.facts["event_id"] == key
        ]
    assert (kept.decision, kept.stage, kept.facts["ip"]) == ("allow", "order", ip)
    assert kept.facts["counts"] == {"velocity.top_up.ip.60s": 1}


def held(shop, key=None):
    ip, key = address(), key or secrets.token_hex(8)
    for _ in range(9):
        assess(shop, ip)
    found = assess(shop, ip, event_id=key)
    placed = shop.place(shop.sku(kind="top_up"), risk=found, ip=ip, idempotency_key=key)
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    assert shop.pay(DEER, attempt, placed.payable)["code"] == "held"
    drain()
    return placed


def test_R1_a_held_order_waits_with_its_reasons_and_goes_on_when_released(ready):
    placed = held(ready)
    with main_scope(reason="test"):
        (mine,) = [one for one in risk.held_orders() if one.order_id == placed.order_id]
        assert mine.reasons[0]["code"] == "velocity.top_up.ip"
        assert [one.order_id for one in risk.recent_decisions(5)].count(placed.order_id) == 1
        assert risk.release(DEER, placed.order_id, "staff:1", "买家已核实") == "ok"
        assert risk.release(DEER, placed.order_id, "staff:1", "买家已核实") == "repeat"
    drain()
    assert ready.state(DEER, placed.order_id) == "fulfilling"
    ready.assert_books_balance()


def test_R1_a_refused_order_is_refunded_and_cannot_be_released(ready):
    placed = held(ready)
    with main_scope(reason="test"):
        assert risk.refuse(DEER, placed.order_id, "staff:1", "盗刷") == "ok"
        assert risk.refuse(DEER, placed.order_id, "staff:1", "盗刷") == "repeat"
        with pytest.raises(Conflict):
            risk.release(DEER, placed.order_id, "staff:1", "")
    assert ready.state(DEER, placed.order_id) == "refunding"
    actions = ready.owner.execute(
        "SELECT action FROM audit_event WHERE subject = %s", (f"order:{placed.order_id}",)
    ).fetchall()
    assert actions == [("risk.refuse",)]
    ready.assert_books_balance()


def test_old_hits_are_forgotten(no_redis):
    assess(no_redis, address())
    no_redis.plant("UPDATE risk_hit SET at = now() - interval '3 days'")
    with main_scope(reason="test"):
        tasks.prune_hits()
    assert no_redis.one("SELECT count(*) FROM risk_hit") == 0
