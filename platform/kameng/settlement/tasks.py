"""Jobs of settlement: release what is due, push payouts, end what nobody answers."""

from __future__ import annotations

from kameng.identity.api import expire_approvals
from kameng.jobs import actor, every
from kameng.settlement.api import due_payouts, release_due, step_payout, watch


@every(seconds=60, lease_s=300, queue="money")
def release_settlements() -> int:
    """Margins whose days are over become available."""
    return release_due()


@actor(queue="money", scope="none", max_retries=0)
def push_payout(station_id: int, withdrawal_id: int) -> str:
    """One step of one payout; the next one is planned already."""
    return step_payout(station_id, withdrawal_id)


@every(seconds=5)
def push_due_payouts() -> int:
    """Payouts to be sent, or asked about under their own number."""
    due = due_payouts()
    for station_id, withdrawal_id in due:
        push_payout.send(station_id, withdrawal_id)
    return len(due)


@every(seconds=300)
def end_forgotten_approvals() -> int:
    """Requests that nobody has answered in time are over; what they held goes back."""
    return expire_approvals()


@every(seconds=300)
def watch_withdrawals() -> int:
    """Withdrawals that wait too long become alerts."""
    return watch()
