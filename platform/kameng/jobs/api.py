"""What the rest of the product may use of the jobs."""

from __future__ import annotations

from kameng.jobs.declare import Actor, actor, every, subscribe
from kameng.jobs.desk import (
    QueueDepth,
    RunView,
    SlotView,
    dead_letters,
    outbox_backlog,
    periodic_slots,
    queue_depths,
    recent_runs,
    retry_dead,
    run_of,
)
from kameng.jobs.inline import drain
from kameng.jobs.notices import send_notice
from kameng.jobs.outbox import publish
from kameng.jobs.runs import progress, start_run
from kameng.jobs.texts import Kind as NoticeKind
from kameng.jobs.texts import notice_text

__all__ = [
    "Actor", "NoticeKind", "QueueDepth", "RunView", "SlotView", "actor", "dead_letters", "drain",
    "every", "notice_text", "outbox_backlog", "periodic_slots", "progress", "publish",
    "queue_depths", "recent_runs", "retry_dead", "run_of", "send_notice", "start_run", "subscribe",
]  # fmt: skip
