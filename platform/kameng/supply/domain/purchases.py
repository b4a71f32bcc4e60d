"""What an answer of a supplier means for a purchase, and when to ask again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseResult, SupplierCapability, SupplierRules

OPEN_STATES = ("created", "sent", "unknown")
MOST_SENDS = 3  # of one number: the first, and again where that never buys twice
PERSON_AFTER_S = 3_600  # an outcome that nobody can tell for so long is a matter for people too
DEAF_AFTER_S = 180  # a purchase that could not even be sent goes to the next supplier then

Step = Literal["receive", "decline", "wait", "resend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The purchase an answer is about: what was ordered, for how much, and how far it has come.

    ``cards``: its order wants codes. ``queries`` and ``waited_s`` are since it was last sent,
    ``age_s`` since it was opened.
    """

    quantity: int
    max_cost: int
    cards: bool = False
    sends: int = 1
    queries: int = 0
    waited_s: int = 0
    age_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What follows. For "wait": the purchase is ``state`` and is looked at again in ``in_s``.

    ``code`` says why in one word, ``waits_for`` what it waits for (a word of `WAITS`); ``in_s``
    None: nobody asks by machine. ``failure``: the way to the supplier failed, which its breaker
    counts; a refusal is an answer and no failure.
    """

    step: Step
    code: str = ""
    state: Literal["created", "sent", "unknown"] = "unknown"
    waits_for: str = ""
    in_s: int | None = None
    failure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer of the host, stripped to what counts here; ``value`` None: nothing usable came."""

    outcome: Outcome
    value: PurchaseResult | None = None
    code: str = ""
    retry_after_s: int | None = None
    misconfigured: bool = False


def after_purchase(
    said: Said, asked: Asked, rules: SupplierRules, able: SupplierCapability
) -> Judged:
    """What the first call (or the same once more) came to."""
    if said.outcome is Outcome.DECLINED:
        return _unsent(said, asked) or Judged(step="decline", code=said.code or "refused")
    return _still_open(said, asked, rules, able)


def after_query(said: Said, asked: Asked, rules: SupplierRules, able: SupplierCapability) -> Judged:
    """What a question came to. That we could not ask, or that the supplier refused to answer
    (`Declined` was raised), is no refusal of the purchase: only a result says that."""
    if said.outcome is Outcome.DECLINED and said.value is not None:
        return Judged(step="decline", code=said.code or "refused")
    if said.value is not None and not said.value.found:
        return _not_found(asked, rules, able)
    return _still_open(said, asked, rules, able)


def after_cancel(
    said: Said, asked: Asked, rules: SupplierRules, able: SupplierCapability
) -> Judged:
    """What asking to take it back came to: as a question, but nothing is sent again for it."""
    judged = after_query(said, asked, rules, able)
    if judged.step != "resend":
        return judged
    return replace(_ask_again(asked, rules, able, "unknown", "not_found"), waits_for="person")


def quarrel(result: PurchaseResult, asked: Asked, able: SupplierCapability) -> str:
    """What is wrong with goods that came, as a code; "" when nothing is."""
    codes = [piece.code.reveal() for piece in result.deliveries if piece.code is not None]
    if asked.cards and not codes:
        return "no_codes"
    if codes and not asked.cards:
        return "unexpected_codes"
    if len(result.deliveries) > asked.quantity:
        return "too_many"
    if codes and len(codes) < len(result.deliveries):
        return "card_without_code"
    if codes and len({(d.number, d.code.reveal()) for d in result.deliveries if d.code}) < len(
        codes
    ):
        return "duplicate_card"
    if codes and len(codes) < asked.quantity and SupplierCapability.PARTIAL not in able:
        return "too_few"
    if result.cost is not None and result.cost.amount > asked.max_cost:
        return "above_cap"
    return ""


def _unsent(said: Said, asked: Asked) -> Judged | None:
    """Nothing has left: the same purchase may be sent later, unless that never comes to pass."""
    if said.misconfigured:
        # The settings are at fault, not the order: the next supplier, if there is one.
        return Judged(step="decline", code="misconfigured", failure=True)
    if said.retry_after_s is None:
        return None
    if asked.age_s >= DEAF_AFTER_S:
        return Judged(step="decline", code="not_sent", failure=True)
    return Judged(
        step="wait", state="created", code="not_sent", waits_for="sending",
        in_s=max(1, said.retry_after_s), failure=True,
    )  # fmt: skip


def _still_open(said: Said, asked: Asked, rules: SupplierRules, able: SupplierCapability) -> Judged:
    value = said.value
    if said.outcome is Outcome.SUCCEEDED and value is not None:
        wrong = quarrel(value, asked, able)
        if not wrong:
            return Judged(step="receive")
        # Asking again may bring the truth (a lie on the line); that it stays so a person settles.
        return _ask_again(asked, rules, able, "unknown", wrong)
    if said.outcome is Outcome.PENDING:
        return _ask_again(asked, rules, able, "sent", "pending")
    failure = value is None
    judged = _ask_again(asked, rules, able, "unknown", said.code or "no_answer")
    return replace(judged, failure=failure)


def _ask_again(
    asked: Asked,
    rules: SupplierRules,
    able: SupplierCapability,
    state: Literal["sent", "unknown"],
    code: str,
) -> Judged:
    if SupplierCapability.MANUAL in able:
        return Judged(step="wait", state=state, code=code, waits_for="desk")
    if SupplierCapability.QUERY not in able:
        waits = "notice" if state == "sent" and SupplierCapability.CALLBACK in able else "person"
        return Judged(step="wait", state=state, code=code, waits_for=waits)
    pauses = rules.query_after_s
    late = state == "unknown" and asked.waited_s >= PERSON_AFTER_S
    return Judged(
        step="wait", state=state, code=code, waits_for="person" if late else "supplier",
        in_s=pauses[min(asked.queries, len(pauses) - 1)],
    )  # fmt: skip


def _not_found(asked: Asked, rules: SupplierRules, able: SupplierCapability) -> Judged:
    """The supplier knows no such order. Too early that proves nothing; later its rules decide."""
    silence = rules.not_found_means_nothing_s
    if silence is None or asked.waited_s < silence:
        return _ask_again(asked, rules, able, "unknown", "not_found")
    if not rules.number_is_idempotent:
        return Judged(step="decline", code="never_arrived")
    if asked.sends < MOST_SENDS:
        return Judged(step="resend", code="not_found", state="created", waits_for="sending", in_s=1)
    # Sent several times and still unknown there: the supplier contradicts itself, a person decides.
    judged = _ask_again(asked, rules, able, "unknown", "not_found")
    return replace(judged, waits_for="person")
