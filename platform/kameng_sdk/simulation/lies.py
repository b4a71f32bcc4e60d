"""How a simulated supplier lies: which lies there are, and when the next one is due."""

from __future__ import annotations

import errno
import random
import sqlite3
from collections.abc import Iterator

from werkzeug.wrappers import Response

from kameng_sdk.simulation.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS draws (seed TEXT PRIMARY KEY, taken INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS told (lie TEXT PRIMARY KEY, times INTEGER NOT NULL);
"""

ANSWER_LIES = (
    "html",  # it is done, and the answer is an HTML page
    "html_lost",  # nothing is done, and the answer is an HTML page
    "truncated",  # it is done, and the answer ends in the middle
    "wrong_signature",  # it is done, and the answer is not signed by the key
    "ok_with_error",  # it is done, and the answer is the dialect's unknown error with HTTP 200
    "ok_with_error_lost",  # nothing is done, and the answer is the same
    "late_success",  # it is done, and after `late_ms` the connection is cut
    "silent",  # nothing is done, and the connection is cut
)
"""What can be wrong with one answer; at most one is."""

LOST = frozenset({"html_lost", "ok_with_error_lost", "silent"})

TOP_UP_LIES = (
    "above_cap",  # takes one yuan more than the buyer's cap
    "late_failure",  # processing first, failed later, money back
)
CARD_LIES = (
    *TOP_UP_LIES,
    "fewer",  # one card is missing, and all is paid
    "partial",  # one card is missing, and its money comes back
    "more",  # one card too many
    "duplicate_card",  # the first card was sold to an earlier order
)
"""What can be wrong with one sale; at most one is."""

QUERY_LIES = ("not_found_first",)  # "no such order" for `hide_queries` questions and `hide_ms`

LIES = (*ANSWER_LIES, *CARD_LIES, *QUERY_LIES)
# Each `lie_…` is a percentage. They are told when buying, at all other calls, or at all.
DEFAULTS = {
    "seed": "1", "lie_on": "all", "late_ms": "0", "hide_ms": "0", "hide_queries": "2",
    **{f"lie_{name}": "0" for name in LIES},
}  # fmt: skip
WORDS = {"lie_on": {"buy", "query", "all"}}
MOST = {
    "late_ms": 60_000, "hide_ms": 3_600_000, "hide_queries": 1000,
    **{f"lie_{name}": 100 for name in LIES},
}  # fmt: skip


class Lies:
    """Draws are numbered in the store: a restart goes on, and a seed with the same calls repeats.

    A draw in which no lie was possible takes no number.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def about_answer(self, *, buys: bool) -> str:
        """The lie of this answer, or ""."""
        if self._store.setting("lie_on") in {"all", "buy" if buys else "query"}:
            return self._draw(ANSWER_LIES)
        return ""

    def about_sale(self, *, cards: bool) -> str:
        """The lie of this sale, or ""."""
        return self._draw(CARD_LIES if cards else TOP_UP_LIES)

    def about_query(self) -> str:
        """The lie with which questions about this sale are answered, or ""."""
        return self._draw(QUERY_LIES)

    def tell(self, lie: str, connection: sqlite3.Connection | None = None) -> None:
        """Count one that was really told, inside somebody's transaction if there is one."""
        if connection is None:
            with self._store.write() as connection:
                return self.tell(lie, connection)
        connection.execute(
            "INSERT INTO told VALUES (?, 1) ON CONFLICT (lie) DO UPDATE SET times = times + 1",
            (lie,),
        )

    def told(self) -> dict[str, int]:
        """How often each was told."""
        return {row["lie"]: row["times"] for row in self._store.rows("SELECT * FROM told")}

    def _draw(self, names: tuple[str, ...]) -> str:
        settings = self._store.settings()
        shares = [(name, int(settings[f"lie_{name}"])) for name in names]
        if not any(share for _, share in shares):
            return ""
        roll = random.Random(f"{settings['seed']}:{self._number(settings['seed'])}").randrange(100)
        for name, share in shares:
            if roll < share:
                return name
            roll -= share
        return ""

    def _number(self, seed: str) -> int:
        with self._store.write() as connection:
            row = connection.execute(
                "INSERT INTO draws VALUES (?, 1) ON CONFLICT (seed) DO UPDATE"
                " SET taken = taken + 1 RETURNING taken",
                (seed,),
            ).fetchone()
        return int(row["taken"])


def html_page() -> Response:
    """What a proxy in front of a supplier says."""
    return Response("<html><h1>502 Bad Gateway</h1></html>", 502, mimetype="text/html")


def truncated(response: Response) -> Response:
    """The first half of an answer, as if it were all."""
    body = response.get_data()
    return Response(body[: len(body) // 2], response.status_code, mimetype=response.mimetype)


def cut_off() -> Response:
    """An answer that promises more than comes: the connection is closed after one byte."""
    return Response(_broken(), headers={"Content-Length": "1000"}, mimetype="application/json")


def _broken() -> Iterator[bytes]:
    yield b"{"
    # werkzeug's server and gunicorn both take this for the peer's doing: close, and log nothing.
    raise ConnectionResetError(errno.ECONNRESET, "cut by the simulator")
