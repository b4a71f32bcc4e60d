"""What our gunicorn processes do at fork and exit."""

from __future__ import annotations

import logging
import os
from typing import Any

from kameng import lean


def when_ready(_server: Any) -> None:
    """Settle before the fork."""
    lean.settle()


def worker_exit(_server: Any, worker: Any) -> None:
    """Leave at once after the last request: taking a large program apart costs seconds."""
    if worker.booted and not worker.alive:
        logging.shutdown()
        os._exit(0)
