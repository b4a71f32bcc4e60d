"""Contract checks of payment providers against the plugin's own simulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from kameng_sdk.context import CallContext
from kameng_sdk.kit.bench import Bench, new_number
from kameng_sdk.kit.calls import Said, Way
from kameng_sdk.kit.checks import PAYMENT, Failed, NotApplicable, Suite, require
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
from kameng_sdk.payments import (
    SETTLING,
    BillResult,
    ChargeRequest,
    ChargeResult,
    PaymentCapability,
    PaymentMethod,
    PayoutRequest,
    QueryResult,
    RefundRequest,
    RefundResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookRequest

FEN = 9550
SETTLED_S = 10.0
BEGUN = (Outcome.SUCCEEDED, Outcome.PENDING)
NOTICE = WebhookRequest(method="POST", path="/notify", query="", headers={}, body=b"")

payments: Suite[Bench] = Suite("contract", PAYMENT)
after_payments: Suite[Bench] = Suite("contract", PAYMENT)


@dataclass(frozen=True, slots=True)
class Paid:
    """A charge the simulator's shopper has paid."""

    request: ChargeRequest
    ref: str


@payments.check("build", "It makes one object, which can settle what is unknown.")
def _build(bench: Bench) -> None:
    capabilities = bench.subject().capabilities
    require(type(capabilities) is PaymentCapability, "capabilities are no PaymentCapability")
    require(capabilities & SETTLING, "declares none of QUERY, WEBHOOK, MANUAL_CONFIRM and WALLET")


@payments.check("methods", "It names its ways to pay, each with a code of its own.")
def _methods(bench: Bench) -> None:
    methods = methods_of(bench)
    require(methods, "there is no way to pay")
    require(all(type(m) is PaymentMethod for m in methods), "a method is no PaymentMethod")
    codes = [method.code for method in methods]
    require(len(set(codes)) == len(codes), "two methods have one code")


@payments.check("charge", "A charge begins: it ends PENDING or SUCCEEDED, with a way to go on.")
def _charge(bench: Bench) -> None:
    said = begun(bench)[1]
    require(said.outcome in BEGUN, said.words())
    result = said.value
    ways = [
        getattr(result, name, None) for name in ("redirect_url", "qr_content", "bridge", "details")
    ]
    require(said.outcome is Outcome.SUCCEEDED or any(ways), "PENDING, and no way to pay is shown")


@payments.check("query", "QUERY: unpaid is not SUCCEEDED, paid is, with the amount to the unit.")
def _query(bench: Bench) -> None:
    needs(bench, PaymentCapability.QUERY)
    request, first = begun(bench)
    said = ask(bench, request.attempt_no, getattr(first.value, "provider_ref", ""))
    require(said.outcome is not Outcome.SUCCEEDED, "nobody has paid, and it says SUCCEEDED")
    strange = ask(bench, new_number(), "")
    require(strange.outcome is not Outcome.SUCCEEDED, "an unknown number is SUCCEEDED")
    one = paid(bench)
    last = settle(bench, one)
    require(last.outcome is Outcome.SUCCEEDED, f"it was paid, and {last.words()}")
    amount = getattr(last.value, "amount", None)
    require(amount == one.request.amount, f"{one.request.amount} were paid, it says {amount}")


@payments.check("refund", "REFUND: money goes back under a number, in part where that is declared.")
def _refund(bench: Bench) -> None:
    needs(bench, PaymentCapability.REFUND)
    partial = bool(bench.subject().capabilities & PaymentCapability.PARTIAL_REFUND)
    one = pay(bench)
    total = one.request.amount
    request = RefundRequest(
        attempt_no=one.request.attempt_no, provider_ref=one.ref, refund_no=new_number(),
        amount=Money.from_fen(1000) if partial else total, total=total,
        reason="test", made_at=datetime.now(UTC),
    )  # fmt: skip
    said = bench.say("refund", RefundResult, lambda ctx: bench.subject().refund(ctx, request))
    require(said.outcome in BEGUN, said.words())
    if bench.subject().capabilities & PaymentCapability.QUERY:
        again = bench.say(
            "query_refund", RefundResult, lambda ctx: bench.subject().query_refund(ctx, request)
        )
        require(again.outcome is not Outcome.DECLINED, f"it was given back, and {again.words()}")


@payments.check("cancel", "CANCEL: an unpaid attempt is closed.")
def _cancel(bench: Bench) -> None:
    needs(bench, PaymentCapability.CANCEL)
    request = new_charge(bench)
    ref = getattr(charge(bench, request).value, "provider_ref", "")
    said = bench.say(
        "cancel", Outcome, lambda ctx: bench.subject().cancel(ctx, request.attempt_no, ref)
    )
    require(said.error is None and not said.late, said.words())


@payments.check("callback", "WEBHOOK: a true notice is understood, twice with the same event id.")
def _notice(bench: Bench) -> None:
    notice, number = true_notice(bench)
    first, second = read_notice(bench, notice), read_notice(bench, notice)
    for said in (first, second):
        require(isinstance(said.value, WebhookResult), said.words())
    events = [list(said.value.events) for said in (first, second)]  # type: ignore[attr-defined]  # required above
    require(any(event.attempt_no == number for event in events[0]), "not about our attempt")
    ids = [[event.event_id for event in one] for one in events]
    require(ids[0] == ids[1] and all(ids[0]), "the same notice has another event id each time")


@payments.check("bill", "BILL: the list of a day is read to its end or said not to be ready.")
def _bill(bench: Bench) -> None:
    needs(bench, PaymentCapability.BILL)
    day = (datetime.now(UTC) + timedelta(hours=8)).date()
    said = bench.say("bill", BillResult, lambda ctx: bench.subject().bill(ctx, day))
    require(said.outcome in BEGUN, said.words())


@payments.check("undeclared", "What is not declared raises CapabilityNotSupported, without I/O.")
def _undeclared(bench: Bench) -> None:
    provider, can = bench.subject(), PaymentCapability
    refund = RefundRequest(
        attempt_no=new_number(), provider_ref="", refund_no=new_number(),
        amount=Money.from_fen(1), total=Money.from_fen(1),
    )  # fmt: skip
    payout = PayoutRequest(
        payout_no=new_number(), amount=Money.from_fen(1), kind="bank", account="1", name="1"
    )
    refuses_undeclared(
        bench,
        [
            (can.QUERY, "query", lambda ctx: provider.query(ctx, new_number(), "")),
            (can.REFUND, "refund", lambda ctx: provider.refund(ctx, refund)),
            (can.CANCEL, "cancel", lambda ctx: provider.cancel(ctx, new_number(), "")),
            (can.WEBHOOK, "parse_webhook", lambda ctx: provider.parse_webhook(ctx, NOTICE)),
            (can.BILL, "bill", lambda ctx: provider.bill(ctx, date(2026, 1, 1))),
            (can.PAYOUT, "payout", lambda ctx: provider.payout(ctx, payout)),
            (can.IDENTIFY, "identify", lambda ctx: provider.identify(ctx, "code")),
        ],
    )


@payments.check("threads", f"{CROWD} charges at once do not get into each other's way.")
def _threads(bench: Bench) -> None:
    provider = bench.subject()
    requests = [new_charge(bench) for _ in range(CROWD)]
    said = in_crowd(
        bench, "charge", ChargeResult, {r.attempt_no: _charging(provider, r) for r in requests}
    )
    bad = [found.words() for found in said.values() if found.error or found.late]
    require(len(said) == CROWD and not bad, f"{len(bad)} of {CROWD} failed: {bad[:1]}")
    pages = [page for found in said.values() if (page := _page(found.value))]
    require(len(set(pages)) == len(pages), "two charges got one page to pay on")


@payments.check("deadline", "When the other side is silent, every call ends in its time.")
def _deadline(bench: Bench) -> None:
    provider, request = bench.subject(), new_charge(bench)
    calls: list[tuple[str, Callable[[CallContext], object]]] = [
        ("charge", _charging(provider, request))
    ]
    if PaymentCapability.QUERY in provider.capabilities:
        calls.append(("query", lambda ctx: provider.query(ctx, request.attempt_no, "")))
    keeps_deadlines(bench, calls)


@after_payments.check("types", "Every answer is of the SDK's very types, in all its fields.")
def _types(bench: Bench) -> None:
    bench.subject()
    answers_fit(bench)


@after_payments.check("secrets", "No secret of the settings is in a message, error, log or repr.")
def _secrets(bench: Bench) -> None:
    bench.subject()
    keeps_secrets(bench, ())


@after_payments.check("way_out", "Nothing but context.http opens a connection.")
def _way_out(bench: Bench) -> None:
    bench.subject()
    uses_the_client(bench)


def needs(bench: Bench, capability: PaymentCapability) -> None:
    """Raises `NotApplicable` unless it is declared."""
    if not bench.subject().capabilities & capability:
        raise NotApplicable(f"{capability.name} is not declared")


def methods_of(bench: Bench) -> list[PaymentMethod]:
    """Its ways to pay."""
    return list(bench.subject().methods())


def new_charge(bench: Bench) -> ChargeRequest:
    """A charge under a new number, by the first way to pay that asks for no payer."""
    if PaymentCapability.WALLET in bench.subject().capabilities:
        raise NotApplicable("the core debits the wallet itself; nothing is called")
    methods = [method for method in methods_of(bench) if not method.needs_payer]
    if not methods:
        raise NotApplicable("every way to pay needs a payer who was identified")
    return ChargeRequest(
        attempt_no=new_number(), amount=Money.from_fen(FEN), method=methods[0].code,
        subject="话费充值 100 元", notify_url=bench.notify_url,
        return_url=f"{bench.shop_url}/back", client_ip="203.0.113.9",
        expires_at=datetime.now(UTC) + timedelta(minutes=15),
    )  # fmt: skip


def charge(bench: Bench, request: ChargeRequest, way: Way | None = None) -> Said:
    """Begin a payment."""
    return bench.say("charge", ChargeResult, _charging(bench.subject(), request), way)


def _charging(provider: Any, request: ChargeRequest) -> Callable[[CallContext], object]:
    return lambda ctx: provider.charge(ctx, request)


def ask(bench: Bench, number: str, ref: str) -> Said:
    """Ask what became of an attempt."""
    provider = bench.subject()
    return bench.say("query", QueryResult, lambda ctx: provider.query(ctx, number, ref))


def begun(bench: Bench) -> tuple[ChargeRequest, Said]:
    """One unpaid charge for all checks that only look at it."""

    def begin() -> tuple[ChargeRequest, Said]:
        request = new_charge(bench)
        return request, charge(bench, request)

    found: tuple[ChargeRequest, Said] = bench.once("begun", begin)
    return found


def paid(bench: Bench) -> Paid:
    """One paid charge for all checks that only look at it."""
    found: Paid = bench.once("paid", lambda: pay(bench))
    return found


def pay(bench: Bench, way: Way | None = None) -> Paid:
    """Charge, and pay in the simulator as a shopper would."""
    request = new_charge(bench)
    if bench.simulator is None:
        raise NotApplicable("it has no simulator whose shopper could pay")
    said = charge(bench, request, way)
    if way is None and said.outcome not in BEGUN:
        raise Failed(said.words())
    visit(bench, said.value)
    if not bench.act(request.attempt_no, "pay"):
        raise NotApplicable("its simulator has no /control/out:<number>/pay")
    return Paid(request, str(getattr(said.value, "provider_ref", "")))


def visit(bench: Bench, result: object) -> None:
    """Open the page to pay on: some gateways know of a charge only then."""
    if isinstance(result, ChargeResult) and result.redirect_url.startswith(bench.url):
        form = dict(result.form)
        method = "POST" if form else "GET"
        from kameng_sdk.testing.calls import DirectHttp

        DirectHttp().request(method, result.redirect_url, data=form or None)


def settle(bench: Bench, one: Paid) -> Said:
    """The last answer, after asking for at most `SETTLED_S` seconds."""
    end = time.monotonic() + SETTLED_S
    said = ask(bench, one.request.attempt_no, one.ref)
    while said.outcome is not Outcome.SUCCEEDED and time.monotonic() < end:
        time.sleep(0.1)
        said = ask(bench, one.request.attempt_no, one.ref)
    return said


def true_notice(bench: Bench) -> tuple[WebhookRequest, str]:
    """What the simulator sent about a payment, and the attempt's number."""
    needs(bench, PaymentCapability.WEBHOOK)
    number = paid(bench).request.attempt_no
    notice: WebhookRequest = bench.once("notice", lambda: _arrived(notice_about(bench, number)))
    return notice, number


def _arrived(notice: WebhookRequest | None) -> WebhookRequest:
    if notice is None:
        raise Failed("its simulator sent no notice about a payment to notify_url")
    return notice


def notice_about(bench: Bench, number: str, seconds: float = 8.0) -> WebhookRequest | None:
    """A notice about a number; read by the plugin, as some gateways encrypt them."""
    end = time.monotonic() + seconds
    seen = 0
    while time.monotonic() < end:
        for notice in list(bench.merchant.notices)[seen:]:
            seen += 1
            events = getattr(read_notice(bench, notice).value, "events", ())
            if any(getattr(event, "attempt_no", "") == number for event in events):
                return notice
        time.sleep(0.05)
    return bench.wait_notice(number, 0.2)


def read_notice(bench: Bench, notice: WebhookRequest) -> Said:
    """Let the plugin read a notice; the shop answers the simulator as the plugin says."""
    provider = bench.subject()
    said = bench.say(
        "parse_webhook", WebhookResult, lambda ctx: provider.parse_webhook(ctx, notice)
    )
    if isinstance(said.value, WebhookResult):
        body = said.value.reply.body
        bench.merchant.answer = body if isinstance(body, str) else body.decode("utf-8", "replace")
    return said


def _page(result: object) -> str:
    if not isinstance(result, ChargeResult):
        return ""
    return f"{result.redirect_url}{dict(result.form) or ''}{result.qr_content}"
