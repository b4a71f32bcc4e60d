"""A day's bill, from the account's balance transactions: what moved, and the real fee."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import islice
from typing import Any

import stripe

from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.payments import BillLine

CHINA = timezone(timedelta(hours=8))
# Stripe books some charges a while after they were made.
READY_AFTER = timedelta(hours=1)
PAGE = 100
MOST_ENTRIES = 20_000
MOST_LOOKUPS = 50
PAYMENTS = ("charge", "payment")
REFUNDS = ("refund", "payment_refund")

Json = Mapping[str, Any]


def span_of(day: date) -> tuple[datetime, datetime]:
    """Begin and end of a day in China; the end is the next day's begin."""
    start = datetime.combine(day, time(), CHINA)
    return start, start + timedelta(days=1)


class Bill:
    """Reads the bill of one account; an object serves one call."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._client = client
        self._attempts: dict[str, str] = {}
        self._lookups = 0

    def lines(self, day: date) -> list[BillLine]:
        """All lines that carry our numbers, oldest first; raises `HttpOutcomeUnknown`.

        What else the account lives on (other shops, payouts, disputes) is not in it.
        """
        found = (self._line(entry) for entry in reversed(self._entries(day)))
        return [line for line in found if line]

    def _entries(self, day: date) -> list[Json]:
        start, end = span_of(day)
        params: Any = {
            "created": {"gte": int(start.timestamp()), "lt": int(end.timestamp())},
            "limit": PAGE,
            "expand": ["data.source"],
        }
        pages = self._client.v1.balance_transactions.list(params).auto_paging_iter()
        entries: list[Json] = [entry.to_dict() for entry in islice(pages, MOST_ENTRIES + 1)]
        if len(entries) > MOST_ENTRIES:
            raise HttpOutcomeUnknown(f"more than {MOST_ENTRIES} entries on one day")
        return entries

    def _line(self, entry: Json) -> BillLine | None:
        kind = entry.get("type")
        if kind not in PAYMENTS + REFUNDS:
            return None
        source = entry.get("source")
        if not isinstance(source, dict):
            raise HttpOutcomeUnknown(f"{entry.get('id')} does not tell its source")
        if kind in REFUNDS:
            return self._refund(entry, source)
        return self._payment(entry, source)

    def _payment(self, entry: Json, charge: Json) -> BillLine | None:
        attempt_no = _named(charge, "attempt_no")
        intent = _reference(charge)
        self._attempts[intent] = attempt_no
        if not attempt_no:
            return None
        amount, fee = _moved(entry, charge)
        return BillLine(
            attempt_no=attempt_no,
            provider_ref=intent,
            amount=amount,
            at=_time(entry),
            fee=fee,
            done=charge.get("status") == "succeeded",
        )

    def _refund(self, entry: Json, refund: Json) -> BillLine | None:
        intent = _reference(refund)
        attempt_no = _named(refund, "attempt_no") or self._attempt_of(intent)
        if not attempt_no:
            return None
        amount, fee = _moved(entry, refund)
        return BillLine(
            attempt_no=attempt_no,
            provider_ref=intent,
            amount=amount,
            at=_time(entry),
            fee=None if fee is None else Money(-fee.amount),
            refund_no=_named(refund, "refund_no"),
            refund_ref=str(refund.get("id") or entry.get("id")),
            done=refund.get("status") == "succeeded",
        )

    def _attempt_of(self, intent: str) -> str:
        """A refund made by hand in the dashboard carries no number; its payment does."""
        if not intent.startswith("pi_"):
            return ""
        if intent not in self._attempts:
            self._lookups += 1
            if self._lookups > MOST_LOOKUPS:
                raise HttpOutcomeUnknown(f"more than {MOST_LOOKUPS} refunds without a number")
            payment = self._client.v1.payment_intents.retrieve(intent).to_dict()
            self._attempts[intent] = _named(payment, "attempt_no")
        return self._attempts[intent]


def _moved(entry: Json, source: Json) -> tuple[Money, Money | None]:
    """What the shopper paid or got, and the fee when it was booked in the same currency."""
    if source.get("currency") != "cny":
        raise HttpOutcomeUnknown(f"{entry.get('id')} is in another currency")
    booked = entry.get("currency") == "cny"
    fen, fee = (entry if booked else source).get("amount"), entry.get("fee")
    if type(fen) is not int or fen == 0 or type(fee) is not int:
        raise HttpOutcomeUnknown(f"{entry.get('id')} has no readable amount")
    return Money.from_fen(abs(fen)), Money.from_fen(fee) if booked else None


def _time(entry: Json) -> datetime:
    created = entry.get("created")
    if type(created) is not int or not 0 < created < 10**11:
        raise HttpOutcomeUnknown(f"{entry.get('id')} has no time")
    return datetime.fromtimestamp(created, UTC)


def _named(thing: Json, name: str) -> str:
    """One of our numbers in the metadata, or nothing."""
    metadata = thing.get("metadata")
    value = metadata.get(name) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""


def _reference(thing: Json) -> str:
    """The payment intent's id, as notices of refunds have it."""
    intent = thing.get("payment_intent")
    return intent if isinstance(intent, str) else str(thing.get("charge") or thing.get("id"))
