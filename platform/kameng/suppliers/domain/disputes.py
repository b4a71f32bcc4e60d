"""Disputes: who may do what when, and words kept inside their messages. Pure."""

from __future__ import annotations

KINDS = ("bad_card", "not_delivered", "late", "cost", "count", "statement", "other")
OPEN = ("open", "answered")
UNAGREED_MINUTES = 24 * 60  # to answer, where no contract says how long
OFFER = "offer:"  # first line of an answer that offers money: "offer:12.0000"
BILL = "bill:"  # first message of a difference found in a bill: "bill:amount:P1:12.0000:13.0000"


def offer_text(amount_text: str, words: str) -> str:
    """A message that offers an amount."""
    return f"{OFFER}{amount_text}\n{words}"


def split_offer(body: str) -> tuple[str, str]:
    """(amount as text, words); "" when the message offers nothing."""
    head, _line, rest = body.partition("\n")
    return (head.removeprefix(OFFER), rest) if head.startswith(OFFER) else ("", body)


def bill_text(kind: str, number: str, ours: str, theirs: str) -> str:
    """The message that opens a difference of a bill."""
    return ":".join((BILL.rstrip(":"), kind, number, ours, theirs))


def split_bill(body: str) -> tuple[str, str, str, str] | None:
    """(class, purchase number, ours, theirs), or None for any other message."""
    parts = body.split(":")
    return (
        (parts[1], parts[2], parts[3], parts[4])
        if body.startswith(BILL) and len(parts) == 5
        else None
    )
