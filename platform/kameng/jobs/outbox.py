"""The outbox: what has happened, written in the transaction in which it happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from kameng.db import db

_PUBLISH = text(
    "INSERT INTO outbox(station_id, topic, payload)"
    " VALUES (:station_id, :topic, CAST(:payload AS jsonb))"
)


def publish(topic: str, station_id: int, payload: Mapping[str, Any]) -> None:
    """Tell the subscribers of `topic`, once the open transaction commits. Ids only, no secrets.

    Needs a scope (`station_scope` of that very station, or `main_scope`); the caller commits.
    """
    db.session.execute(
        _PUBLISH,
        {"station_id": station_id, "topic": topic, "payload": json.dumps(dict(payload))},
    )
