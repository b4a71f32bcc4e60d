"""What surrounds every message of a worker: tuning, correlation, dead letters."""

from __future__ import annotations

import logging
from typing import Any

import structlog
from dramatiq import Broker, Middleware
from dramatiq.broker import MessageProxy
from dramatiq.worker import Worker
from flask import Flask

from kameng.jobs import inflight
from kameng.jobs.dead import bury

log = logging.getLogger("kameng.jobs")


class Housekeeping(Middleware):
    """Our part of dramatiq's hooks; none of them may raise."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Prefetch no more than can run: the rest stays visible to other workers."""
        worker.queue_prefetch = worker.worker_threads

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Tie the log lines of one message together."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            correlation_id=message.message_id, actor=message.actor_name
        )

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """A message that ended well is no longer on its way."""
        if exception is None:
            self._landed(message)

    def after_nack(self, broker: Broker, message: MessageProxy) -> None:
        """A message that is given up becomes a row and an alert: a person decides."""
        try:
            bury(self.app, message)
            self._landed(message)
        except Exception:
            # The sweeper sends it again as soon as its mark of being on its way has run out.
            log.exception("dead letter %s could not be recorded", message.message_id)

    def _landed(self, message: MessageProxy) -> None:
        try:
            inflight.land(self.app, message.actor_name, tuple(message.args))
        except inflight.RedisError:
            log.warning("mark of message %s stays until it runs out", message.message_id)
