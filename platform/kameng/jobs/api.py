"""What the rest of the product may use of the jobs."""

from __future__ import annotations

from kameng.jobs.declare import Actor, actor, every, subscribe
from kameng.jobs.notices import send_notice
from kameng.jobs.outbox import publish

__all__ = ["Actor", "actor", "every", "publish", "send_notice", "subscribe"]
