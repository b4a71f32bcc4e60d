"""Buying: one request, one statement, one order. The hot path of the product (design §8)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import psycopg

from kameng import chance, epoch, redis
from kameng.db import call, db, end_reading
from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.buying import check, fingerprint, idempotency_key
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import Bought, Buy, CardFacts, OrderFacts
from kameng.openapi.services import gate, reading, sandbox, shelf
from kameng.openapi.services.callers import Allowance, admit, let_in
from kameng.openapi.services.refusing import ApiRefused, refused
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.promotions import api as promotions
from kameng.risk import api as risk
from kameng.runtime import extensions
from kameng.stock import api as stock
from kameng.webhooks import api as webhooks

EXTENSION = "kameng.openapi.rules"
RESERVED = "reserved"
BUSY_RETRY_S = 2.0  # cards locked by other buyers may come back: do not say sold out too early
RULES_S = 300.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that has not been let in yet; `told` hears how many more are allowed."""

    nonce: str
    secret: str
    told: Callable[[Allowance], None]


def buy(caller: Caller, wanted: Buy) -> Bought:
    """Buy for a caller who has been let in already; see `admit_and_buy`."""
    return _buy(caller, wanted, None)


def admit_and_buy(caller: Caller, wanted: Buy, entry: Entry) -> Bought:
    """Let the request in and buy: the gate is asked once for both.

    The same number of the same member with the same content gives the order of the first time,
    whatever has changed since. Refusals of the catalogue leave nothing behind and burn no number.
    """
    return _buy(caller, wanted, entry)


def _buy(caller: Caller, wanted: Buy, entry: Entry | None) -> Bought:
    problem = check(wanted)
    if problem is not None:
        if entry:
            entry.told(admit(caller, entry.nonce, secret=entry.secret))
        raise refused(problem.code, field=problem.field)
    key = idempotency_key(caller.member_id, wanted.merchant_order_no)
    end_reading()  # what was read before must not stay open while rules' plugins are asked
    asked = _ask(caller, wanted, key, entry)
    with promotions.held(asked.ticket if asked.passed.flash == RESERVED else None):
        if entry:
            entry.told(let_in(caller, entry.secret, asked.passed))
        return _let_in(caller, wanted, asked, key)


def _let_in(caller: Caller, wanted: Buy, asked: _Asked, key: str) -> Bought:
    """Buy for a request that has passed the gate, in a flash sale only with what its gate said."""
    place = _flash_place(caller, asked)
    # Another one than before: the sale's gate had to be made anew, and gave a place then.
    with promotions.held(None if asked.passed.flash == RESERVED else place):
        return _decide(caller, wanted, asked, key)


def _flash_place(caller: Caller, asked: _Asked) -> promotions.Ticket | None:
    """The place that a wish for a flash sale has got; None: PostgreSQL decides, or no such wish."""
    if asked.ticket is None:
        return None
    if caller.sandbox:
        raise refused("flash_not_running")  # there are no flash sales in the sandbox
    try:
        return promotions.admitted(asked.ticket, asked.passed.flash)
    except promotions.FlashRefused as refusal:
        raise refused(refusal.code, **refusal.facts) from refusal
    except redis.RedisError as error:
        raise refused("unavailable") from error


def _decide(caller: Caller, wanted: Buy, asked: _Asked, key: str) -> Bought:
    goods, counted = asked.goods, asked.counted
    if wanted.notify_url:
        webhooks.check_url(wanted.notify_url)
    if caller.sandbox:
        return sandbox.buy(caller, wanted, fingerprint(caller.dialect, wanted))
    inputs: Mapping[str, str] = wanted.inputs
    if goods is not None and (goods.asks or wanted.inputs):
        inputs = _inputs(caller, wanted, goods)
    amount = goods.price * wanted.quantity if goods else None
    subject = asked.rules.subject(
        goods.kind if goods else "card", caller.ip, caller.member_id, amount, counted
    )
    found = asked.rules.judge(subject)
    if found.decision == "block" and not reading.exists(caller, wanted.merchant_order_no):
        risk.store_decision(caller.station_id, subject, counted, key, found)
        raise refused("risk_blocked")
    now = datetime.now(UTC)
    row = _call(
        p_station=caller.station_id, p_key=caller.api_key_id, p_number=wanted.merchant_order_no,
        p_hash=fingerprint(caller.dialect, wanted), p_sku=wanted.sku, p_quantity=wanted.quantity,
        p_max_total=wanted.max_total, p_inputs=json.dumps(dict(inputs)) if inputs else "{}",
        p_ip=caller.ip,
        p_order_no=orders.order_number(now, chance.randbelow(10**12)),
        p_attempt_no=payments.attempt_number(now, chance.randbelow(10**16)),
        p_secret_hash=chance.token_bytes(32),  # of no secret: a program asks with its key
        p_risk=found.decision,
        p_risk_reasons=json.dumps(found.reasons, ensure_ascii=False) if found.reasons else "[]",
        p_risk_facts=risk.stored_facts(subject, counted, key), p_notify_url=wanted.notify_url,
        p_flash=wanted.flash_sale or None,
    )  # fmt: skip
    return _bought(caller, wanted, row)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The gate's answer, and what must be known before buying."""

    passed: gate.Passed
    counted: Mapping[str, int]
    rules: risk.OrderRules
    goods: shelf.Goods | None
    ticket: promotions.Ticket | None


def _ask(caller: Caller, wanted: Buy, key: str, entry: Entry | None) -> _Asked:
    """Ask the gate once; again only when it says that something has been changed since we read."""
    kept = _rules(caller.station_id)
    goods = shelf.goods_of(caller.station_id, wanted.sku, kept.mark)
    counters = _counters(kept.rules, caller, goods)
    ticket = _ticket(caller, wanted) if entry else None
    passed = _passed(caller, entry, key, counters, ticket)
    counts = passed.counts
    if kept.mark != passed.epoch:  # perhaps a rule, or what a product asks for
        kept = _read_rules(caller.station_id, passed.epoch)
        goods = shelf.goods_of(caller.station_id, wanted.sku, kept.mark)
        counters = _counters(kept.rules, caller, goods)
        again = gate.ask(caller.station_id, caller.key_id, "", key, counters, counted=False)
        counts = again.counts
    if not passed.fresh:
        counts = (0,) * len(counters)  # of a copy nothing is counted
    counted = {one.name: n for one, n in zip(counters, counts, strict=True)}
    return _Asked(passed, counted, kept.rules, goods, ticket)


def _passed(
    caller: Caller, entry: Entry | None, key: str, counters: Sequence[risk.Count],
    ticket: promotions.Ticket | None,
) -> gate.Passed:  # fmt: skip
    if entry and ticket and not caller.sandbox:
        flash = gate.FlashEntry(ticket, caller.per_minute)
        return gate.ask_for_flash(
            caller.station_id, caller.key_id, entry.nonce, key, counters, flash
        )
    return gate.ask(
        caller.station_id, caller.key_id, entry.nonce if entry else "", key, counters,
        counted=entry is not None,
    )  # fmt: skip


def _ticket(caller: Caller, wanted: Buy) -> promotions.Ticket | None:
    if not wanted.flash_sale:
        return None
    buyer = orders.shopper_key(caller.station_id, caller.member_id, "")
    return promotions.ticket(caller.station_id, wanted.flash_sale, buyer)


def _counters(
    rules: risk.OrderRules, caller: Caller, goods: shelf.Goods | None
) -> Sequence[risk.Count]:
    if goods is None or caller.sandbox:
        return ()
    return rules.counters(goods.kind, caller.ip, caller.member_id)


def _inputs(caller: Caller, wanted: Buy, goods: shelf.Goods) -> Mapping[str, str]:
    try:
        return shelf.check_inputs(goods, wanted.inputs)
    except ApiRefused:
        # A number that was served keeps its answer, even when the fields have changed since.
        if reading.exists(caller, wanted.merchant_order_no):
            return wanted.inputs
        raise


def _call(**params: Any) -> dict[str, Any]:
    give_up = time.monotonic() + BUSY_RETRY_S
    while True:
        try:
            return call("buy_with_balance", **params)
        except psycopg.Error as error:
            busy = error.sqlstate in ("KM005", "40P01", "40001")
            if busy and time.monotonic() < give_up:
                time.sleep(0.05)
                continue
            if busy or error.sqlstate == "KM001":
                raise refused("out_of_stock") from error
            if error.sqlstate == "KM003":
                raise refused("insufficient_balance") from error
            flash = orders.flash_refusal(error.sqlstate, error.diag.constraint_name)
            if flash:
                raise refused(flash) from error
            raise


def _bought(caller: Caller, wanted: Buy, row: dict[str, Any]) -> Bought:
    code = row["code"]
    if code == "repeat":
        return Bought(reading.order(caller, row["order_no"]), repeated=True)
    if code == "max_total_exceeded":
        raise refused(code, total=decimal(row["payable"]))
    if code != "ok":
        raise refused(code)
    sealed = [row[name] or [] for name in ("ciphers", "digests", "key_ids")]
    cards = stock.open_sold(row["sku_id"], *sealed)
    delivered = row["state"] == "delivered"
    order = OrderFacts(
        order_no=row["order_no"], merchant_order_no=wanted.merchant_order_no, state=row["state"],
        sku=wanted.sku, sku_id=row["sku_id"], product_name=row["product_name"],
        sku_name=row["sku_name"], kind=row["kind"], quantity=wanted.quantity,
        unit_price=row["unit_price"], total=row["payable"],
        delivered=wanted.quantity if delivered else 0, refunded=0, created_at=row["at"],
        paid_at=row["at"], delivered_at=row["at"] if delivered else None, inputs=wanted.inputs,
        cards=tuple(CardFacts(card.number, card.secret) for card in cards),
    )  # fmt: skip
    return Bought(order, repeated=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Rules as they were read, and the epoch seen before."""

    rules: risk.OrderRules
    mark: bytes
    read_at: float


def _rules(station_id: int) -> _Kept:
    """The station's rules, remembered while nothing has been changed."""
    found = _store().get(station_id)
    if found is not None and time.monotonic() - found.read_at < RULES_S:
        return found
    try:
        mark = epoch.current()
    except redis.RedisError as error:
        raise refused("unavailable") from error
    return _read_rules(station_id, mark)


def _read_rules(station_id: int, mark: bytes) -> _Kept:
    found = _Kept(risk.order_rules(station_id), mark, time.monotonic())
    db.session.rollback()
    _store()[station_id] = found
    return found


def _store() -> dict[int, _Kept]:
    return cast("dict[int, _Kept]", extensions().setdefault(EXTENSION, {}))
