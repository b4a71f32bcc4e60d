"""The balance: an entry for each movement of money, its fee, and entries planted wrong."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from .objects import ApiError, Objects, Thing, new_id, now, public
from .store import BILL_LEVERS

FEE_BP = 290
AVAILABLE_AFTER_S = 2 * 86_400
Planted = Mapping[str, set[str]]
KINDS = {"ch": "charge", "re": "refund"}
BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda at, bound: at > bound,
    "gte": lambda at, bound: at >= bound,
    "lt": lambda at, bound: at < bound,
    "lte": lambda at, bound: at <= bound,
}


def fee_of(fen: int) -> int:
    """What Stripe keeps of a payment; of a refund it gives nothing back."""
    return (fen * FEE_BP + 5_000) // 10_000


def book(objects: Objects, source: Thing, *, fee: int = 0) -> str:
    """Enter a charge, or a refund with its minus; returns the entry's id."""
    kind = source["object"]
    amount = -source["amount"] if kind == "refund" else source["amount"]
    detail = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    made = objects.add(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": now() + AVAILABLE_AFTER_S,
            "balance_type": "payments",
            "created": source["created"],
            "currency": source["currency"],
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [detail] if fee else [],
            "net": amount - fee,
            "reporting_category": kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        }
    )
    return str(made["id"])


def page(objects: Objects, params: Thing, limit: int, planted: Planted) -> tuple[list[Thing], bool]:
    """Entries newest first with what the levers plant, and whether there are more."""
    entries = [
        wrong
        for entry in objects.all_newest("balance_transaction")
        if _wanted(entry, params)
        for wrong in _as_planted(objects, entry, planted)
    ]
    after = params.get("starting_after")
    if after:
        places = [n for n, entry in enumerate(entries) if entry["id"] == after]
        if not places:
            raise ApiError(404, f"No such balance_transaction: '{after}'", "resource_missing", "id")
        entries = entries[places[0] + 1 :]
    if params.get("expand") != ["data.source"]:
        entries = [entry | {"source": entry["source"]["id"]} for entry in entries]
    return entries[:limit], len(entries) > limit


def _wanted(entry: Thing, params: Thing) -> bool:
    created = params.get("created", {})
    bounds = created if isinstance(created, dict) else {"gte": created, "lte": created}
    inside = all(
        name in BOUNDS and BOUNDS[name](entry["created"], _seconds(bound))
        for name, bound in bounds.items()
    )
    return inside and params.get("type", entry["type"]) == entry["type"]


def _seconds(text: Any) -> int:
    if not (isinstance(text, str) and text.isascii() and text.isdecimal()):
        raise ApiError(400, f"Invalid timestamp: {text}", "parameter_invalid_integer", "created")
    return int(text)


def _as_planted(objects: Objects, entry: Thing, planted: Planted) -> list[Thing]:
    """The entry with its source, as the levers want it: changed, doubled or left out."""
    source = public(objects.get(KINDS[entry["source"].split("_")[0]], entry["source"]))
    attempt_no = source["metadata"].get("attempt_no", "")
    numbers = {attempt_no, source["metadata"].get("refund_no", "")} - {""}
    hit = {name for name in BILL_LEVERS if numbers & planted[name]}
    if entry["type"] == "refund":
        return [] if "bill_refund_missing" in hit else [entry | {"source": source}]
    shown = []
    if "bill_extra" in hit:
        shown.append(_stranger(entry, source, attempt_no))
    if "bill_amount" in hit:
        entry = entry | {"amount": entry["amount"] + 1, "net": entry["net"] + 1}
        source = source | {"amount": source["amount"] + 1}
    if "bill_state" in hit:
        source = source | {"status": "failed", "paid": False}
    return shown if "bill_missing" in hit else [*shown, entry | {"source": source}]


def _stranger(entry: Thing, source: Thing, attempt_no: str) -> Thing:
    """An equal payment under a number which the shop never gave out: `X` before ours."""
    other = copy.deepcopy(source)
    other |= {"id": f"{source['id']}x", "payment_intent": f"{source['payment_intent']}x"}
    other["metadata"]["attempt_no"] = f"X{attempt_no}"
    return entry | {"id": f"{entry['id']}x", "source": other}
