"""What the console and the commands show of a recovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from kameng.db import db

_NEWEST = text(
    "SELECT id, restored_to, source, state, began_at, ended_at, ended_by, now() - began_at AS age"
    " FROM recovery ORDER BY id DESC LIMIT 1"
)
_COUNTS = text(
    "SELECT kind || '.' || CASE WHEN state = 'waiting' THEN state ELSE answer END AS name, count(*)"
    " FROM recovery_question WHERE recovery_id = :id GROUP BY 1 ORDER BY 1"
)
_QUESTIONS = text(
    "SELECT kind, station_id, subject_id, number, state, answer, tries, asked_at"
    " FROM recovery_question WHERE recovery_id = :id AND kind <> 'order'"
    " ORDER BY state DESC, id LIMIT :limit"
)
_ORDERS = text(
    "SELECT q.station_id, q.subject_id, q.number, o.state, o.product_name, o.payable"
    " FROM recovery_question q JOIN orders o ON o.station_id = q.station_id AND o.id = q.subject_id"
    " WHERE q.kind = 'order' AND q.state = 'waiting' AND o.state IN"
    " ('paid', 'fulfilling', 'partially_delivered', 'held') ORDER BY q.id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """The newest recovery. `counts`: how many questions have which answer."""

    id: int
    restored_to: datetime
    source: str
    state: str
    began_at: datetime
    ended_at: datetime | None
    ended_by: str
    age: timedelta
    counts: Mapping[str, int]
    orders_waiting: int

    @property
    def waiting(self) -> int:
        """Questions without an answer; orders for a person are none."""
        return sum(
            n for name, n in self.counts.items()
            if name.endswith(".waiting") and not name.startswith("order.")
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """One question, or with kind `order` one order for a person."""

    kind: str
    station_id: int
    subject_id: int
    number: str
    state: str
    answer: str
    tries: int
    asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An order that a supplier may have served in the time that is forgotten."""

    station_id: int
    order_id: int
    order_no: str
    state: str
    product_name: str
    payable: int


def newest() -> Recovery | None:
    """The newest recovery (main scope)."""
    row = db.session.execute(_NEWEST).mappings().first()
    if row is None:
        return None
    counts = {name: number for name, number in db.session.execute(_COUNTS, {"id": row["id"]})}
    return Recovery(**row, counts=counts, orders_waiting=len(orders_for_a_person()))


def questions(recovery_id: int, limit: int = 200) -> list[Question]:
    """Its questions, open ones first (main scope)."""
    rows = db.session.execute(_QUESTIONS, {"id": recovery_id, "limit": limit}).mappings()
    return [Question(**row) for row in rows]


def orders_for_a_person(limit: int = 200) -> list[WaitingOrder]:
    """Orders that are bought when a person says so (main scope)."""
    rows = db.session.execute(_ORDERS, {"limit": limit}).all()
    return [WaitingOrder(*row) for row in rows]
