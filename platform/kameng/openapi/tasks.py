"""Jobs of the open API: nobody waits for ever, and the sandbox tells what time has done."""

from __future__ import annotations

from kameng.jobs import every
from kameng.openapi.services import refund_desk, sandbox_news

DAY_S, NIGHT_S = 86_400, 19 * 3600 + 600  # 03:10 in China


@every(seconds=60, queue="notify")
def watch_refund_requests() -> int:
    """Requests for money back that have waited for a day are raised as alerts."""
    return refund_desk.watch_refund_requests()


@every(seconds=5, queue="notify")
def announce_sandbox() -> int:
    """Orders of the sandbox that have moved on are told to webhooks."""
    return sandbox_news.announce_sandbox()


@every(seconds=DAY_S, offset_s=NIGHT_S, lease_s=3600, queue="bulk")
def prune_sandbox() -> int:
    """Orders of the sandbox are kept for 90 days."""
    return sandbox_news.prune_sandbox()
