"""`kameng payments reconcile`: fetch a day's bills now, compare them, say what differs."""

from __future__ import annotations

from datetime import date

from kameng.db import main_scope
from kameng.ops.errors import OpsError
from kameng.payments import api as payments


def reconcile(day: str | None) -> tuple[str, bool]:
    """Plan, fetch and compare the bills of a day (default: yesterday in China).

    Returns the text and whether nothing differs. Raises `OpsError` for a day that is none or not
    over yet. Needs an app context.
    """
    try:
        wanted = date.fromisoformat(day) if day else payments.yesterday()
    except ValueError as error:
        raise OpsError(f"{day!r} is no day.", "Write it as 2026-01-31.") from error
    if wanted > payments.yesterday():
        raise OpsError(f"{wanted} is not over.", "Gateways have bills of days that are over.")
    payments.plan_bills(wanted)
    with main_scope(reason="reconcile"):
        due = payments.due_bills(wanted)
    for station_id, bill_id in due:
        payments.fetch_bill(station_id, bill_id, now=True)
    with main_scope(reason="reconcile"):
        bills = payments.bills(day=wanted)
    for bill in bills:
        if bill.state != "due" and (bill.station_id, bill.id) not in due:
            payments.compare_bill(bill.station_id, bill.id)
    with main_scope(reason="reconcile"):
        bills = payments.bills(day=wanted)
    lines = [_line(bill) for bill in bills] or [f"no account has a bill of {wanted}"]
    return "\n".join(lines), all(bill.open == 0 and bill.state == "compared" for bill in bills)


def _line(bill: payments.BillView) -> str:
    name = f"{bill.station_id} {bill.plugin_id}{':' + bill.account if bill.account else ''}"
    if bill.state == "due":
        return f"wait  {bill.day} {name}: not ready ({bill.message or 'not asked yet'})"
    mark = "ok  " if bill.open == 0 else "BAD "
    return (
        f"{mark}  {bill.day} {name}: {bill.lines} lines, collected {_yuan(bill.collected)}"
        f" (ours {_yuan(bill.our_collected)}), refunded {_yuan(bill.refunded)}"
        f" (ours {_yuan(bill.our_refunded)}), fee {_yuan(bill.fee)}, {bill.open} open"
    )


def _yuan(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 10_000}.{abs(amount) % 10_000 // 100:02d}"
