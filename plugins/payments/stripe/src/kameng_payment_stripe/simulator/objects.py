"""Stripe's objects as rows: read, written and listed inside one transaction."""

import json
import secrets
import time
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

import stripe

from .store import Row

Thing = dict[str, Any]


class ApiError(Exception):
    """An error of the API: HTTP status, and the `error` object of the answer."""

    def __init__(self, status: int, message: str, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.status = status
        kind = "idempotency_error" if code == "idempotency" else "invalid_request_error"
        self.error = {"type": kind, "message": message}
        if code and code != "idempotency":
            self.error["code"] = code
        if param:
            self.error["param"] = param


def missing(kind: str, ident: str) -> ApiError:
    return ApiError(404, f"No such {kind}: '{ident}'", "resource_missing", "id")


def public(thing: Thing) -> Thing:
    """What the API shows: the simulator's own notes begin with an underscore."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"


def now() -> int:
    return int(time.time())


@dataclass(frozen=True, slots=True)
class Objects:
    """One transaction's view."""

    db: Connection

    def add(self, thing: Thing) -> Thing:
        self.db.execute(
            "INSERT INTO objects (id, kind, body) VALUES (?, ?, ?)",
            (thing["id"], thing["object"], json.dumps(thing, ensure_ascii=False)),
        )
        return thing

    def save(self, thing: Thing) -> Thing:
        body = json.dumps(thing, ensure_ascii=False)
        self.db.execute("UPDATE objects SET body = ? WHERE id = ?", (body, thing["id"]))
        return thing

    def get(self, kind: str, ident: str) -> Thing:
        row = self.db.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ?", (ident, kind)
        ).fetchone()
        if row is None:
            raise missing(kind, ident)
        return _thing(row)

    def newest(self, kind: str, limit: int, starting_after: str = "") -> tuple[list[Thing], bool]:
        """A page, newest first, and whether there are more."""
        before = 2**62
        if starting_after:
            found = self.db.execute("SELECT seq FROM objects WHERE id = ?", (starting_after,))
            row = found.fetchone()
            if row is None:
                raise missing(kind, starting_after)
            before = row["seq"]
        rows = self.db.execute(
            "SELECT body FROM objects WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            (kind, before, limit + 1),
        ).fetchall()
        return [_thing(row) for row in rows[:limit]], len(rows) > limit

    def all_newest(self, kind: str) -> list[Thing]:
        """All of a kind, newest first."""
        rows = self.db.execute(
            "SELECT body FROM objects WHERE kind = ? ORDER BY seq DESC", (kind,)
        ).fetchall()
        return [_thing(row) for row in rows]

    def refunds_of(self, intent: str) -> list[Thing]:
        rows = self.db.execute(
            "SELECT body FROM objects WHERE kind = 'refund' AND body ->> 'payment_intent' = ?"
            " ORDER BY seq DESC",
            (intent,),
        ).fetchall()
        return [_thing(row) for row in rows]

    def sessions_of(self, reference: str) -> list[Thing]:
        rows = self.db.execute(
            "SELECT body FROM objects WHERE kind = 'checkout.session'"
            " AND body ->> 'client_reference_id' = ? ORDER BY seq",
            (reference,),
        ).fetchall()
        return [_thing(row) for row in rows]

    def sessions_past_their_end(self) -> list[Thing]:
        rows = self.db.execute(
            "SELECT body FROM objects WHERE kind = 'checkout.session'"
            " AND body ->> 'status' = 'open' AND body ->> 'expires_at' <= ?",
            (now(),),
        ).fetchall()
        return [_thing(row) for row in rows]

    def emit(self, kind: str, thing: Thing, session: str, urls: set[str], times: int = 1) -> Thing:
        """Record an event and queue its delivery to each address."""
        event = self.add(
            {
                "id": new_id("evt"),
                "object": "event",
                "api_version": stripe.api_version,
                "created": now(),
                "data": {"object": public(thing)},
                "livemode": False,
                "pending_webhooks": len(urls),
                "request": {"id": None, "idempotency_key": None},
                "type": kind,
            }
        )
        for url in sorted(urls):
            self.queue(event["id"], session, url, times)
        return event

    def queue(self, event_id: str, session: str, url: str, times: int) -> None:
        self.db.executemany(
            "INSERT INTO callbacks (subject, parent, url, due_at) VALUES (?, ?, ?, ?)",
            [(event_id, session, url, time.time())] * times,
        )


def _thing(row: Row) -> Thing:
    thing: Thing = json.loads(row["body"])
    return thing
