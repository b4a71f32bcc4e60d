"""Jobs of the open API: nobody waits for ever."""

from __future__ import annotations

from kameng.jobs import every
from kameng.openapi.services.refund_desk import watch_refund_requests as watch_requests


@every(seconds=60, queue="notify")
def watch_refund_requests() -> int:
    """Requests for money back that have waited for a day are raised as alerts."""
    return watch_requests()
