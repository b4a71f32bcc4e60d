"""What our gunicorn processes do at fork and exit."""

from __future__ import annotations

import gc
import logging
import os
from typing import Any

# A request leaves few cycles behind: looking for them after each handful is in vain.
SELDOM = (10_000, 20, 20)


def when_ready(_server: Any) -> None:
    """Keep the imported program out of the collector: its pages stay shared after the fork."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)


def worker_exit(_server: Any, worker: Any) -> None:
    """Leave at once after the last request: taking a large program apart costs seconds."""
    if worker.booted and not worker.alive:
        logging.shutdown()
        os._exit(0)
