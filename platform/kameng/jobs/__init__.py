"""Background work: outbox, workers, scheduler, notices. Contexts import from here only."""

from kameng.jobs.api import Actor, actor, every, notice_text, publish, send_notice, subscribe

__all__ = ["Actor", "actor", "every", "notice_text", "publish", "send_notice", "subscribe"]
