"""`kameng scheduler`: relays the outbox and runs periodic jobs; any number may run."""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from datetime import datetime

from flask import Flask

from kameng.jobs import inflight, relay, runner, slots
from kameng.jobs.broker import broker_of, enqueue
from kameng.jobs.discovery import load_tasks
from kameng.jobs.errors import summary
from kameng.jobs.pace import BACK_OFF_MAX_S, Pace
from kameng.jobs.registry import PeriodicSpec, find_actor, periodic

TICK_S = 0.25
THREADS = 4
GRACE_S = 2.0

log = logging.getLogger("kameng.scheduler")


def run(app: Flask, stop: threading.Event | None = None) -> None:
    """Work until SIGTERM, SIGINT or `stop`; outlives restarts of PostgreSQL and Redis."""
    load_tasks()
    Scheduler(app, stop or _stop_on_signals()).run()


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    return stop


class Scheduler:
    """One scheduler: a relay thread, a ticker that claims slots, a few threads that run them."""

    def __init__(self, app: Flask, stop: threading.Event) -> None:
        self.app = app
        self.stop = stop
        self.due: dict[str, float] = {}  # job → when to look at it next (epoch seconds)
        self.work: queue.SimpleQueue[tuple[PeriodicSpec, datetime]] = queue.SimpleQueue()

    def run(self) -> None:
        """Start the threads, tick, and on stop let running jobs end within a moment."""
        # Daemons: a job that hangs in the network must not keep a stopped process alive.
        threads = [threading.Thread(target=self._relay, name="relay", daemon=True)]
        for number in range(THREADS):
            name = f"job-{number}"
            threads.append(threading.Thread(target=self._runner, name=name, daemon=True))
        for thread in threads:
            thread.start()
        log.info("scheduler runs %d periodic jobs", len(periodic()))
        self._tick_until_stopped()
        give_up = time.monotonic() + GRACE_S
        for thread in threads:
            thread.join(max(0.0, give_up - time.monotonic()))
        log.info("scheduler stopped")

    def _tick_until_stopped(self) -> None:
        pause = TICK_S
        while not self.stop.wait(pause):
            try:
                self.tick(time.time())
                pause = TICK_S
            except Exception as error:
                pause = min(pause * 2, BACK_OFF_MAX_S)
                log.warning("scheduler waits %.1f s: %s", pause, summary(error))

    def tick(self, now_s: float) -> None:
        """Claim every slot that is due and hand it to a thread."""
        for spec in periodic().values():
            if self.stop.is_set() or now_s < self.due.get(spec.name, 0):
                continue
            slot = slots.slot_at(spec, now_s)
            if slots.claim(self.app, spec, slot):
                self.work.put((spec, slot))
                self.due[spec.name] = slot.timestamp() + spec.seconds
            else:
                # Somebody else has it, or the last run is not over: both may change soon.
                self.due[spec.name] = now_s + max(1.0, min(5.0, spec.seconds / 5))

    def _runner(self) -> None:
        while not self.stop.is_set():
            try:
                spec, slot = self.work.get(timeout=0.25)
            except queue.Empty:
                continue
            try:
                self._run_slot(spec, slot)
            except Exception as error:
                log.warning("the end of %s could not be noted: %s", spec.name, summary(error))

    def _run_slot(self, spec: PeriodicSpec, slot: datetime) -> None:
        failure: str | None = None
        try:
            if spec.queue is None:
                with self.app.app_context(), runner.opened(spec.scope, None, spec.name):
                    spec.fn()
                    runner.commit_rest(spec.scope)
            else:
                self._send(spec)
        except Exception as error:
            log.exception("periodic job %s failed", spec.name)
            failure = summary(error)
        slots.finish(self.app, spec, slot, failure)

    def _send(self, spec: PeriodicSpec) -> None:
        actor = find_actor(spec.name)
        with self.app.app_context():
            if actor is not None and inflight.launch_once(spec.name, spec.lease_s):
                enqueue(broker_of(self.app), actor, ())

    def _relay(self) -> None:
        """Look into the outbox and send what is there, at a pace that follows the work."""
        pace = Pace()
        while not self.stop.wait(pace.pause_s):
            began = time.monotonic()
            try:
                found = self._send_waiting()
                pace.looked(found, time.monotonic() - began)
            except Exception as error:
                pace.failed()
                log.warning("relay waits %.1f s: %s", pace.pause_s, summary(error))

    def _send_waiting(self) -> int:
        if not relay.waiting(self.app):
            return 0
        sent = last = relay.relay_batch(self.app)
        while last == relay.BATCH and not self.stop.is_set():
            last = relay.relay_batch(self.app)
            sent += last
        return sent
