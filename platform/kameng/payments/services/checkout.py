"""From the shopper's button to the gateway: the order and its first attempt are one statement.

Whatever is not plain (the wallet, a payer to be known first, an account on trial, with a day's
limit or of the station's own) goes the longer way: place, then `start`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kameng.orders import api as orders
from kameng.payments.services.attempts import (
    Demand,
    Opened,
    fee_of,
    fresh_number,
    scope_station,
)
from kameng.payments.services.charging import Started, Visit, charge, charge_ahead, keep_ahead
from kameng.payments.services.choosing import (
    BALANCE,
    MAIN_STATION,
    ORDER,
    Option,
    device_word,
    options_of,
)
from kameng.payments.services.collecting import choose, collect, start
from kameng.payments.services.refusing import PaymentRefused
from kameng.risk import api as risk
from kameng.runtime import current_settings
from kameng_sdk.payments import Device


@dataclass(frozen=True, slots=True)
class Checkout:
    """An order that waits for its payment by a way; `option` where its attempt is open already.

    `started`: the way on, where a method that sends nothing has built it beforehand.
    """

    placed: orders.Placed
    plugin_id: str
    method: str
    option: Option | None = None
    number: str = ""
    started: Started | None = None


# The visit of an order to be placed, by its number and the guest's key to it.
VisitOf = Callable[[str, str], Visit]


def place_order(
    request: orders.PlaceRequest, goods: orders.Goods, judged: risk.Judged,
    plugin_id: str, method: str, device: Device | str | None, visit_of: VisitOf | None = None,
) -> Checkout:  # fmt: skip
    """Place an order and keep the decision about it; open its attempt where that is plain.

    Raises `OrderRefused`. No gateway is called here. A plugin runs only with `visit_of` and where
    its method is offline: what it has built is worth nothing before the order's row stands.
    """
    station_id = scope_station()
    decision = judged.found.decision, judged.found.reasons
    option = _plain_option(station_id, request.expected_payable, plugin_id, method, device)
    if option is None:
        risk.keep_decision(station_id, judged)
        return Checkout(orders.place(request, decision, sku_id=goods.sku_id), plugin_id, method)
    _holder, plugin, account = option.key
    order_no, number = orders.fresh_number(), fresh_number()
    secret = orders.secret_of(request.idempotency_key)
    charged = started = None
    if visit_of is not None and option.offered.method.offline:
        visit = visit_of(order_no, secret)
        charged, started = _built(station_id, request, goods, option, number, visit)
    first = orders.FirstAttempt(
        order_no=order_no, secret=secret, charge=charged, attempt_no=number, plugin_id=plugin,
        method=option.offered.code, account=account,
        fee=fee_of(station_id, option, request.expected_payable), device=device_word(device),
        risk_score=judged.found.score, risk_facts=judged.facts,
    )  # fmt: skip
    try:
        placed = orders.place(request, decision, sku_id=goods.sku_id, attempt=first)
    except orders.OrderRefused as refusal:
        if refusal.code == "out_of_stock":  # raised, so that the decision is undone as well
            risk.keep_decision(station_id, judged)
        raise
    return Checkout(placed, plugin_id, method, option, number, started)


def _built(
    station_id: int, request: orders.PlaceRequest, goods: orders.Goods, option: Option,
    number: str, visit: Visit,
) -> tuple[str | None, Started | None]:  # fmt: skip
    """What a method that sends nothing makes of this attempt; nothing where it makes nothing."""
    demand = Demand(
        station_id=station_id, purpose=ORDER, amount=request.expected_payable,
        subject=goods.subject,
        expires_at=datetime.now(UTC) + timedelta(minutes=current_settings().hold_minutes),
    )  # fmt: skip
    answer = charge_ahead(demand, option, number, visit)
    return (None, None) if answer is None else keep_ahead(option, number, answer)


def pay(checkout: Checkout, visit: Visit) -> Started:
    """Call the gateway for it; raises as `start` does. Needs a station scope."""
    placed, option = checkout.placed, checkout.option
    plugin_id, method = checkout.plugin_id, checkout.method
    if option is None or placed.attempt_id is None:  # a second click finds the first one's
        return start(
            placed.order_no, plugin_id, method, visit.client_ip, return_url=visit.return_url,
            locale=visit.locale, device=visit.device,
        )  # fmt: skip
    if checkout.started is not None:
        return checkout.started
    demand = Demand(
        station_id=scope_station(), purpose=ORDER, amount=placed.payable, subject=placed.subject,
        expires_at=placed.expires_at, links={"order_id": placed.order_id},
        order_no=placed.order_no, bound_to=placed.order_no,
    )  # fmt: skip
    opened = Opened(placed.attempt_id, checkout.number, True)
    started = charge(demand, option, opened, visit, trial=False)
    if started is not None:
        return started
    return collect(demand, plugin_id, method, visit, "", failed=(option, opened))


def _plain_option(
    station_id: int, amount: int, plugin_id: str, method: str, device: Device | str | None
) -> Option | None:
    """The account to begin with, if nothing about it has to be asked or claimed first."""
    if plugin_id == BALANCE:
        return None
    offered = options_of(station_id, ORDER, plugin_id, method)
    if any(_asks_first(option, plugin_id, method) for option in offered):
        return None
    demand = Demand(
        station_id=station_id, purpose=ORDER, amount=amount, subject="",
        expires_at=datetime.now(UTC),
    )  # fmt: skip
    try:
        first = choose(demand, plugin_id, method, device, None, offered)[0][0]
    except PaymentRefused:
        return None  # the order is placed all the same, and `start` says why
    terms = first.terms
    return first if terms.daily_limit is None and terms.breaker.broken_until is None else None


def _asks_first(option: Option, plugin_id: str, method: str) -> bool:
    """Whether a payer, or the station's own means, must be known before this is chosen."""
    offered = option.offered
    asked = (offered.plugin_id, offered.code) == (plugin_id, method)
    return offered.account_station_id != MAIN_STATION or (asked and offered.method.needs_payer)
