"""What went over the line, kept sealed with each purchase: an answer may hold codes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.plugins import api as plugins

KIND = "supply-exchange"  # what the seal is bound to, beside station and purchase

_KEEP = text("""
INSERT INTO purchase_exchange(station_id, purchase_id, step, outcome, code, message, sealed, elapsed_ms, correlation_id)
VALUES (:station, :id, :step, :outcome, :code, :message, :sealed, :elapsed, :correlation)
""")  # noqa: E501  # one column list
_READ = text("""
SELECT e.step, e.outcome, e.code, e.message, e.sealed, e.elapsed_ms, e.correlation_id, e.at
FROM purchase_exchange e WHERE e.station_id = :station AND e.purchase_id = :id ORDER BY e.id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeView:
    """One call with its requests and answers, for staff who may see them."""

    step: str
    outcome: str
    code: str
    message: str
    elapsed_ms: int
    correlation_id: str
    at: datetime
    lines: Sequence[dict[str, Any]]


def keep(station_id: int, purchase_id: int, step: str, answer: plugins.Answer[Any]) -> None:
    """Add one call to a purchase's record, in the open main scope."""
    lines = [asdict(exchange) for exchange in answer.exchanges]
    db.session.execute(
        _KEEP,
        {
            "station": station_id, "id": purchase_id, "step": step,
            "outcome": answer.outcome.value, "code": answer.code, "message": answer.message,
            "sealed": _seal(station_id, purchase_id, lines) if lines else None,
            "elapsed": answer.elapsed_ms, "correlation": answer.correlation_id,
        },
    )  # fmt: skip


def exchanges(station_id: int, purchase_id: int) -> list[ExchangeView]:
    """Every call of a purchase, oldest first, opened; in the open main scope."""
    rows = db.session.execute(_READ, {"station": station_id, "id": purchase_id}).mappings()
    return [
        ExchangeView(
            **{name: row[name] for name in row if name != "sealed"},
            lines=_open(station_id, purchase_id, row["sealed"]),
        )
        for row in rows
    ]


def _seal(station_id: int, purchase_id: int, lines: list[dict[str, Any]]) -> bytes:
    secrets = {"lines": json.dumps(lines, ensure_ascii=False)}
    return plugins.seal(station_id, f"{KIND}:{purchase_id}", secrets)


def _open(station_id: int, purchase_id: int, sealed: bytes | None) -> list[dict[str, Any]]:
    if sealed is None:
        return []
    opened = plugins.unseal(station_id, f"{KIND}:{purchase_id}", bytes(sealed))
    return list(json.loads(opened["lines"]))
