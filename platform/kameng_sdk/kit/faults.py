"""Fault checks: what an other side does wrong must not be taken for an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.kit import clients, notices
from kameng_sdk.kit.bench import Bench
from kameng_sdk.kit.calls import Said, Way
from kameng_sdk.kit.checks import TRADING, NotApplicable, Suite, require
from kameng_sdk.kit.clients import ELSEWHERE, Fault, Spot
from kameng_sdk.kit.trades import Trade, trade_of
from kameng_sdk.outcomes import Outcome
from kameng_sdk.webhooks import WebhookRequest

SECONDS = 3.0

faults: Suite[Bench] = Suite("fault", TRADING)

WRONG: dict[str, tuple[Fault, str]] = {
    "no_answer": (clients.no_answer, "it was done and the answer is lost"),
    "html": (clients.html, "the answer is a web page"),
    "truncated_answer": (clients.truncated, "the answer breaks off"),
    "server_error": (clients.server_error, "the answer is HTTP 500"),
    "garbage": (clients.garbage, "the answer is HTTP 200 with bytes that mean nothing"),
    "empty_answer": (clients.empty, "the answer is HTTP 200 with nothing"),
    "other_json": (clients.strange, "the answer is sound JSON that means nothing"),
}


@faults.check("never_sent", "When no connection can be made, nothing is claimed to be done.")
def _never_sent(bench: Bench) -> None:
    said = tried(bench, clients.never_sent)
    done = said.outcome in (Outcome.SUCCEEDED, Outcome.PENDING)
    require(not done, f"nothing was sent, and {said.words()}")


def _add(name: str, fault: Fault, when: str) -> None:
    @faults.check(name, f"A purchase or charge is UNKNOWN when {when}.")
    def _unknown(bench: Bench) -> None:
        said = tried(bench, fault)
        require(said.outcome is Outcome.UNKNOWN and not said.refused_unsent, said.words())


for _name, (_fault, _when) in WRONG.items():
    _add(_name, _fault, _when)


@faults.check("redirect", "A redirect is UNKNOWN and is not followed.")
def _redirect(bench: Bench) -> None:
    said = tried(bench, clients.redirect)
    followed = any(ELSEWHERE in one.url for one in said.asked)
    require(not followed, "it went where the redirect pointed")
    require(said.outcome is Outcome.UNKNOWN and not said.refused_unsent, said.words())


@faults.check("second_request", "However it ends, one call sends one request that buys.")
def _second_request(bench: Bench) -> None:
    spot = buying_spot(bench)
    for name, (fault, _when) in WRONG.items():
        said = tried(bench, fault)
        sent = sum(one.spot == spot for one in said.asked)
        require(sent <= 1, f"{sent} buying requests in one call ({name})")


@faults.check("callback_forged", "A notice with an altered or missing part is not believed.")
def _forged(bench: Bench) -> None:
    trade, notice = _noticed(bench)
    truth = _events(trade.read(notice))
    refused = 0
    for name, forged in [*notices.altered(notice), *notices.unsigned(notice)]:
        said = trade.read(forged)
        if isinstance(said.error, WebhookRefused):
            refused += 1
            continue
        require(said.error is None, f"{name}: {said.words()} instead of refusing it")
        found = _events(said)
        believed = [event for event in found if event[1] is not None and event not in truth]
        stranger = {event[0] for event in found} - {event[0] for event in truth}
        require(not believed and not stranger, f"believed a notice with another {name}")
    require(refused, "nothing that was altered was refused: no signature is checked")


@faults.check("callback_doubled", "A notice with a parameter given twice is refused.")
def _doubled(bench: Bench) -> None:
    trade, notice = _noticed(bench)
    cases = list(notices.doubled(notice))
    if not cases:
        raise NotApplicable("its notices have no parameters")
    _refuses(trade, cases)


@faults.check("callback_empty", "A notice without content, or with bytes for content, is refused.")
def _emptied(bench: Bench) -> None:
    trade, notice = _noticed(bench)
    _refuses(trade, list(notices.emptied(notice)))


def tried(bench: Bench, fault: Fault) -> Said:
    """One purchase or charge under a fault; each fault is tried once."""
    spot, trade = buying_spot(bench), trade_of(bench)
    way = Way(seconds=SECONDS, fault=fault, spot=spot)
    said: Said = bench.once(f"fault {fault.__name__}", lambda: trade.begin(way))
    return said


def buying_spot(bench: Bench) -> Spot:
    """The request that buys: the last one of an undisturbed call that names our number.

    Suppliers without a number of ours: the last one.
    """
    spot: Spot | None = bench.once("spot", lambda: _learn(bench))
    if spot is None:
        raise NotApplicable("a purchase or charge sends nothing")
    return spot


def _learn(bench: Bench) -> Spot | None:
    trade = trade_of(bench)
    said = trade.begin(None)
    named = [one for one in said.asked if one.names(trade.last_number)] or list(said.asked)
    return named[-1].spot if named else None


def _noticed(bench: Bench) -> tuple[Trade, WebhookRequest]:
    trade = trade_of(bench)
    return trade, trade.notice()


def _refuses(trade: Trade, cases: list[tuple[str, WebhookRequest]]) -> None:
    for name, case in cases:
        said = trade.read(case)
        require(isinstance(said.error, WebhookRefused), f"{name}: {said.words()}")


def _events(said: Said) -> list[tuple[str, Any]]:
    """What a notice claims: the number, and the facts without their event's id."""
    number: Callable[[Any], str] = lambda event: getattr(  # noqa: E731  # two kinds of events
        event, "purchase_no", getattr(event, "attempt_no", "")
    )
    return [(number(event), _facts(event)) for event in getattr(said.value, "events", ())]


def _facts(event: Any) -> Any:
    if hasattr(event, "purchase_no"):
        return event.result
    return (event.kind, event.provider_ref, event.amount, event.refund_no)
