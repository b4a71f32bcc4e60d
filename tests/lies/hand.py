"""A process of the crew: `python -m tests.lies.hand THREADS`, with its settings in LIES_SETTINGS."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from pathlib import Path

import redis

from kameng.app import create_app
from kameng.settings import Settings

from .crew import work


def main(threads: int) -> None:
    """Work until killed."""
    given = json.loads(os.environ["LIES_SETTINGS"])
    settings = Settings(**{**given, "home": Path(given["home"])})
    app = create_app(settings)
    logging.disable(logging.CRITICAL)  # lies are no news here
    queue = redis.Redis.from_url(settings.redis_url)

    def hand(number: int) -> None:
        with app.app_context():
            work(queue, lambda: False, number == 0)

    for number in range(threads):
        threading.Thread(target=hand, args=(number,)).start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
