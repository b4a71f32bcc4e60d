"""Contract checks of suppliers: what is declared works against the plugin's own simulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kameng_sdk.context import CallContext
from kameng_sdk.kit.bench import Bench, new_number
from kameng_sdk.kit.calls import Said, Way
from kameng_sdk.kit.checks import SUPPLIER, Failed, NotApplicable, Suite, require
from kameng_sdk.kit.common import (
    CROWD,
    answers_fit,
    in_crowd,
    keeps_deadlines,
    keeps_secrets,
    refuses_undeclared,
    uses_the_client,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    SETTLING,
    CallbackResult,
    Delivery,
    Offer,
    OfferKind,
    OfferPage,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.webhooks import WebhookRequest

MOST_PAGES = 50
SETTLED_S = 10.0
ACCOUNT = "13800138000"
ENDLESS = 10**9
NOTICE = WebhookRequest(method="POST", path="/notify", query="", headers={}, body=b"")

suppliers: Suite[Bench] = Suite("contract", SUPPLIER)
after_suppliers: Suite[Bench] = Suite("contract", SUPPLIER)


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase that was placed, and what was said of it last."""

    request: PurchaseRequest
    first: Said
    last: PurchaseResult


@suppliers.check("build", "It makes one object, which can settle what is unknown.")
def _build(bench: Bench) -> None:
    supplier = bench.subject()
    capabilities = supplier.capabilities
    require(type(capabilities) is SupplierCapability, "capabilities are no SupplierCapability")
    require(capabilities & SETTLING, "declares none of QUERY, CALLBACK and MANUAL")
    require(type(supplier.rules) is SupplierRules, "rules are no SupplierRules")


@suppliers.check("offers", "OFFERS: every page is read to the end, and no goods come twice.")
def _offers(bench: Bench) -> None:
    needs(bench, SupplierCapability.OFFERS)
    offers = offers_of(bench)
    require(offers, "it offers nothing")
    refs = [offer.sku_ref for offer in offers]
    require(len(set(refs)) == len(refs), "goods are listed twice")
    odd = [offer.sku_ref for offer in offers if offer.cost.amount < 0 or not offer.name]
    require(not odd, f"goods without name or with a cost below zero: {odd[:3]}")


@suppliers.check("purchase", "A purchase is accepted: it ends SUCCEEDED or PENDING.")
def _purchase(bench: Bench) -> None:
    said = bought(bench).first
    require(said.outcome in (Outcome.SUCCEEDED, Outcome.PENDING), said.words())


@suppliers.check("query", "QUERY: a purchase is settled in the end, an unknown number is UNKNOWN.")
def _query(bench: Bench) -> None:
    needs(bench, SupplierCapability.QUERY)
    one = bought(bench)
    require(one.last.outcome is Outcome.SUCCEEDED, f"it stays {one.last.outcome.name}")
    asked, came = one.request.quantity, len(one.last.deliveries)
    partial = SupplierCapability.PARTIAL in bench.subject().capabilities
    require(came == asked or (partial and came < asked), f"{asked} ordered, {came} delivered")
    cost = one.last.cost
    over = isinstance(cost, Money) and cost > one.request.max_cost
    require(not over, "it cost more than the request allowed")
    strange = ask(bench, new_number(), "")
    require(strange.outcome is Outcome.UNKNOWN, f"of a number it cannot know: {strange.words()}")


@suppliers.check("balance", "BALANCE: it tells what is left of our money.")
def _balance(bench: Bench) -> None:
    needs(bench, SupplierCapability.BALANCE)
    said = bench.say("balance", Money, lambda ctx: bench.subject().balance(ctx))
    require(said.error is None and not said.late, said.words())


@suppliers.check("callback", "CALLBACK: a true notice is understood, twice with the same event id.")
def _callback(bench: Bench) -> None:
    notice, number = true_notice(bench)
    first, second = read_notice(bench, notice), read_notice(bench, notice)
    for said in (first, second):
        require(isinstance(said.value, CallbackResult), said.words())
    events = [list(said.value.events) for said in (first, second)]  # type: ignore[attr-defined]  # required above
    require(any(event.purchase_no == number for event in events[0]), "not about our purchase")
    ids = [[event.event_id for event in one] for one in events]
    require(ids[0] == ids[1] and all(ids[0]), "the same notice has another event id each time")


@suppliers.check("idempotent", "number_is_idempotent: the same number sent again buys nothing.")
def _idempotent(bench: Bench) -> None:
    if not bench.subject().rules.number_is_idempotent:
        raise NotApplicable("it does not promise that")
    count, request = tally(bench), new_request(bench)
    for _again in range(3):
        place(bench, request)
    sold = count.sold(request.purchase_no)
    require(sold == 1, f"its simulator sold {sold} times for one number")


@suppliers.check("cancel", "CANCEL: it says how a purchase stands after it was asked to undo it.")
def _cancel(bench: Bench) -> None:
    needs(bench, SupplierCapability.CANCEL)
    request = new_request(bench)
    ref = getattr(place(bench, request).value, "supplier_ref", "")
    said = bench.say(
        "cancel", PurchaseResult,
        lambda ctx: bench.subject().cancel(ctx, request.purchase_no, ref, "test"),
    )  # fmt: skip
    require(said.error is None and not said.late, said.words())


@suppliers.check("undeclared", "What is not declared raises CapabilityNotSupported, without I/O.")
def _undeclared(bench: Bench) -> None:
    supplier, can = bench.subject(), SupplierCapability
    refuses_undeclared(
        bench,
        [
            (can.OFFERS, "list_offers", lambda ctx: supplier.list_offers(ctx, "")),
            (can.QUERY, "query", lambda ctx: supplier.query(ctx, new_number(), "")),
            (can.BALANCE, "balance", supplier.balance),
            (can.CALLBACK, "parse_callback", lambda ctx: supplier.parse_callback(ctx, NOTICE)),
            (can.CANCEL, "cancel", lambda ctx: supplier.cancel(ctx, new_number(), "", "")),
        ],
    )


@suppliers.check("threads", f"{CROWD} purchases at once do not get into each other's way.")
def _threads(bench: Bench) -> None:
    supplier = bench.subject()
    requests = [new_request(bench) for _ in range(CROWD)]
    said = in_crowd(
        bench, "purchase", PurchaseResult,
        {r.purchase_no: _placing(supplier, r) for r in requests},
    )  # fmt: skip
    bad = [found.words() for found in said.values() if found.error or found.late]
    require(len(said) == CROWD and not bad, f"{len(bad)} of {CROWD} failed: {bad[:1]}")
    refs = [ref for found in said.values() if (ref := getattr(found.value, "supplier_ref", ""))]
    require(len(set(refs)) == len(refs), "two purchases got one reference")
    codes = [code for found in said.values() for code in codes_of(found.value)]
    require(len(set(codes)) == len(codes), "one code was delivered to two purchases")


@suppliers.check("deadline", "When the other side is silent, every call ends in its time.")
def _deadline(bench: Bench) -> None:
    supplier, can = bench.subject(), SupplierCapability
    request = new_request(bench)
    calls: list[tuple[str, Callable[[CallContext], object]]] = [
        ("purchase", _placing(supplier, request))
    ]
    if can.QUERY in supplier.capabilities:
        number = request.purchase_no
        calls.append(("query", lambda ctx: supplier.query(ctx, number, "")))
    if can.BALANCE in supplier.capabilities:
        calls.append(("balance", supplier.balance))
    keeps_deadlines(bench, calls)


@after_suppliers.check("types", "Every answer is of the SDK's very types, in all its fields.")
def _types(bench: Bench) -> None:
    bench.subject()
    answers_fit(bench)


@after_suppliers.check("secrets", "No secret and no card code is in a message, error, log or repr.")
def _secrets(bench: Bench) -> None:
    bench.subject()
    codes = [code for said, _ in bench.journal for code in codes_of(said.value)]
    keeps_secrets(bench, codes)


@after_suppliers.check("way_out", "Nothing but context.http opens a connection.")
def _way_out(bench: Bench) -> None:
    bench.subject()
    uses_the_client(bench)


def needs(bench: Bench, capability: SupplierCapability) -> None:
    """Raises `NotApplicable` unless it is declared."""
    if not bench.subject().capabilities & capability:
        raise NotApplicable(f"{capability.name} is not declared")


def offers_of(bench: Bench) -> list[Offer]:
    """All it sells, read once."""
    found: list[Offer] = bench.once("offers", lambda: _read_offers(bench))
    return found


def _read_offers(bench: Bench) -> list[Offer]:
    offers: list[Offer] = []
    cursor, seen = "", {""}
    for _page in range(MOST_PAGES):
        said = bench.say("list_offers", OfferPage, _listing(bench.subject(), cursor))
        if not isinstance(said.value, OfferPage):
            raise Failed(said.words())
        offers += said.value.offers
        cursor = said.value.next_cursor
        if not cursor:
            return offers
        require(cursor not in seen, "a cursor comes again: the list has no end")
        seen.add(cursor)
    return offers


def _listing(supplier: Any, cursor: str) -> Callable[[CallContext], object]:
    return lambda ctx: supplier.list_offers(ctx, cursor)


def new_request(bench: Bench) -> PurchaseRequest:
    """Something it sells, under a new number: cards if there are any."""
    offer = bench.once("goods", lambda: _choose(bench))
    quantity = max(1, offer.minimum)
    inputs = {f.name: f.choices[0] if f.choices else ACCOUNT for f in offer.fields}
    if offer.kind is OfferKind.TOP_UP and not inputs:
        inputs = {"account": ACCOUNT}
    return PurchaseRequest(
        purchase_no=new_number(), sku_ref=offer.sku_ref, quantity=quantity, inputs=inputs,
        max_cost=offer.cost * quantity, notify_url=bench.notify_url,
    )  # fmt: skip


def _choose(bench: Bench) -> Offer:
    if SupplierCapability.OFFERS not in bench.subject().capabilities:
        return Offer(sku_ref="1", name="1", cost=Money(10_000_000))
    sold = [o for o in offers_of(bench) if o.on_sale and o.stock != 0]
    if not sold:
        raise NotApplicable("its simulator has nothing on sale")
    # One set of goods for all checks: the one that lasts longest.
    enough = 10**6
    return max(
        sold, key=lambda o: (o.kind is OfferKind.CARD, enough if o.stock is None else o.stock)
    )


def place(bench: Bench, request: PurchaseRequest, way: Way | None = None) -> Said:
    """Buy."""
    return bench.say("purchase", PurchaseResult, _placing(bench.subject(), request), way)


def _placing(supplier: Any, request: PurchaseRequest) -> Callable[[CallContext], object]:
    return lambda ctx: supplier.purchase(ctx, request)


def ask(bench: Bench, number: str, ref: str) -> Said:
    """Ask what became of it."""
    supplier = bench.subject()
    return bench.say("query", PurchaseResult, lambda ctx: supplier.query(ctx, number, ref))


def bought(bench: Bench) -> Bought:
    """One purchase for all checks that only look at it."""
    found: Bought = bench.once("bought", lambda: buy(bench))
    return found


def buy(bench: Bench) -> Bought:
    """Buy, and ask until it is settled or time is up."""
    request = new_request(bench)
    first = place(bench, request)
    if not isinstance(first.value, PurchaseResult):
        raise Failed(first.words())
    return Bought(request, first, settle(bench, request.purchase_no, first.value))


def settle(bench: Bench, number: str, last: PurchaseResult) -> PurchaseResult:
    """The last answer, after asking for at most `SETTLED_S` seconds."""
    can_ask = SupplierCapability.QUERY in bench.subject().capabilities
    end = time.monotonic() + SETTLED_S
    while can_ask and last.outcome is not Outcome.SUCCEEDED and time.monotonic() < end:
        said = ask(bench, number, last.supplier_ref)
        if isinstance(said.value, PurchaseResult):
            last = said.value
        if last.outcome is Outcome.DECLINED:
            break
        time.sleep(0.1)
    return last


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts the sales of a simulator for one number, from the moment it is made."""

    bench: Bench
    before: int | None

    def sold(self, number: str) -> int:
        """Sales under the number; where the other side keeps no number of ours, all sales since.

        Raises `NotApplicable` when the simulator tells neither.
        """
        orders = self.bench.orders(number)
        after = self.bench.placed()
        if orders:
            return len(orders)
        if self.before is not None and after is not None:
            return after - self.before
        if orders is None:
            raise NotApplicable("its simulator has no /control/orders")
        return 0


def tally(bench: Bench) -> Tally:
    """Begin to count; raises `NotApplicable` without a simulator."""
    if bench.simulator is None:
        raise NotApplicable("it has no simulator that could count")
    return Tally(bench, bench.placed())


def codes_of(value: object) -> list[str]:
    """The codes a result delivers."""
    deliveries = getattr(value, "deliveries", ())
    return [d.code.reveal() for d in deliveries if isinstance(d, Delivery) and d.code is not None]


def true_notice(bench: Bench) -> tuple[WebhookRequest, str]:
    """What the simulator sent about a purchase, and the purchase's number."""
    needs(bench, SupplierCapability.CALLBACK)
    if bench.simulator is None:
        raise NotApplicable("it has no simulator that could send one")
    number = bought(bench).request.purchase_no
    notice: WebhookRequest = bench.once("notice", lambda: _arrived(bench.wait_notice(number)))
    return notice, number


def _arrived(notice: WebhookRequest | None) -> WebhookRequest:
    if notice is None:
        raise Failed("its simulator sent no notice about a purchase to notify_url")
    return notice


def read_notice(bench: Bench, notice: WebhookRequest) -> Said:
    """Let the plugin read a notice; the shop answers the simulator as the plugin says."""
    supplier = bench.subject()
    said = bench.say(
        "parse_callback", CallbackResult, lambda ctx: supplier.parse_callback(ctx, notice)
    )
    if isinstance(said.value, CallbackResult):
        body = said.value.reply.body
        bench.merchant.answer = body if isinstance(body, str) else body.decode("utf-8", "replace")
    return said
