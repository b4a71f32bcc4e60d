"""Mutants that change nothing anybody could see: another safeguard does the same. Each with its reason.

They are tried like all others. One that survives is not counted as killed and not as a hole; one
that a test kills is no equivalent: it counts as broken until the list is right.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.mutants.mutant import Mutant

BOTH_LOCKED = "the order and then its purchase are locked: either is enough while both are"
PAID_FIRST = "the earliest by paid_at, which only an attempt that was paid has: without it the same one comes first"
PAID_AT = (
    "the time of the payment or of the refund is asked as well, which only what has succeeded has"
)
HELD_ONLY = "an order that is not delivered has no other cards than those it holds"
EMPTY = "what is empty is refused one step later: by the check of the signature, or of its kind"
# (function, or file without one; what "removed text#number" begins with) → why nothing changes.
EQUIVALENT: dict[tuple[str, str], str] = {
    ("purchase_station_id_purchase_no_key", "CREATE UNIQUE INDEX"): "purchase_number makes a purchase's number unique among all stations",
    ("decline_purchase", "FOR NO KEY UPDATE#1"): BOTH_LOCKED,
    ("decline_purchase", "FOR NO KEY UPDATE#2"): BOTH_LOCKED,
    ("receive_purchase", "FOR NO KEY UPDATE#2"): BOTH_LOCKED,
    ("agree_dispute", "FOR NO KEY UPDATE OF o#1"): BOTH_LOCKED,
    ("agree_dispute", "FOR NO KEY UPDATE#1"): BOTH_LOCKED,
    ("take_purchase", "FOR NO KEY UPDATE#1"): "nothing ends an order while a purchase of it is open, and the update asks for the state once more",
    ("accept_refund_request", "FOR NO KEY UPDATE#1"): "what is called next locks the order itself; this one keeps the order of locks",
    ("cancel_withdrawal", "FOR NO KEY UPDATE#1"): "the approval, which is updated first, lets one hand through",
    ("_take_back_cost", "FOR NO KEY UPDATE#1"): "both functions that call it hold the purchase's row",
    ("_account", "IF v_id IS NOT NULL"): "the short way: the insert would do nothing and the row be read once more",
    ("_stop_order", "AND p.state IN ('created', 'sent', 'unknown')#2"): "decline_purchase leaves a purchase that has ended as it is",
    ("resume_paid_orders", "AND a.state = 'succeeded'"): PAID_FIRST,
    ("fund_waiting_orders", "AND a.state = 'succeeded'"): PAID_FIRST,
    ("_account_taken", "AND a.state = 'succeeded'"): PAID_AT,
    ("_deliver_at_once", "AND a.account = p_account"): "the station was found by an attempt of this number at this account, and a station has one attempt of a number",
    ("_bill_findings", "a.state = 'succeeded' AND"): PAID_AT,
    ("_bill_findings", "r.state = 'succeeded' AND"): PAID_AT,
    ("_fulfil_paid", "AND status = 1#1"): HELD_ONLY,
    ("_fulfil_paid", "AND status = 1#2"): HELD_ONLY,
    ("_fulfil_paid", "AND status = 1#3"): HELD_ONLY,
    ("_claim_cards", "AND status = 1"): HELD_ONLY,
    ("keep_for_transfer", "AND status = 1"): HELD_ONLY,
    ("plugins/payments/alipay/src/kameng_payment_alipay/notices.py", "if not params: refuse"): EMPTY,
    ("plugins/payments/epay/src/kameng_payment_epay/notices.py", "if not params: refuse"): EMPTY,
    ("plugins/payments/epay/src/kameng_payment_epay/notices.py", "if not sign: refuse"): EMPTY,
    ("plugins/payments/unionpay/src/kameng_payment_unionpay/notices.py", "if not fields: refuse"): EMPTY,
    ("plugins/suppliers/kasushou/src/kameng_supplier_kasushou/notices.py", "if not sign: refuse"): EMPTY,
    ("plugins/suppliers/kasushou/src/kameng_supplier_kasushou/notices.py", "if not isinstance(fields, dict): refuse"): "what begins with a brace is an object or no JSON",
}  # fmt: skip


def reason(mutant: Mutant) -> str:
    """Why it is an equivalent, "" when it is none that is known."""
    return next((why for entry, why in EQUIVALENT.items() if _names(entry, mutant)), "")


def unknown(mutants: Iterable[Mutant]) -> list[tuple[str, str]]:
    """Entries that name no mutant any more."""
    found = list(mutants)
    return [entry for entry in EQUIVALENT if not any(_names(entry, one) for one in found)]


def _names(entry: tuple[str, str], mutant: Mutant) -> bool:
    place, text = entry
    return place in (mutant.name, mutant.place) and f"{mutant.removed}#{mutant.number}".startswith(
        text
    )
