"""A mutant may wait, or go round, for ever: the server ends its statements, whoever is waiting for them.

A signal alone does not do it: libpq waits in C for the answers of the product's short way, and other hands wait in threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

LONGEST_STATEMENT_S = 10
END_THEM = f"""SELECT pg_cancel_backend(pid) FROM pg_stat_activity
 WHERE datname LIKE 'kameng\\_t\\_%' AND state = 'active' AND query_start < now() - interval '{LONGEST_STATEMENT_S} s'"""


@contextmanager
def statements_end(url: str) -> Iterator[None]:
    """Cancel what takes longer than `LONGEST_STATEMENT_S` in the tests' databases of this server."""
    over = threading.Event()

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not over.wait(1):
                connection.execute(END_THEM.encode())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(10)
