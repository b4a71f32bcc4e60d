"""How a plugin says how it fares, and what it is told about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class HealthStatus(Enum):
    """Condition of the other side as the plugin sees it."""

    OK = "ok"
    """Answers as it should."""

    DEGRADED = "degraded"
    """Works with restrictions (slow, low balance)."""

    DOWN = "down"
    """Cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """Shown in the console; ``message`` holds no secret."""

    status: HealthStatus
    message: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedEvent:
    """Something that has happened and is committed. ``payload`` holds refs and plain values.

    ``occurred_at`` is when the host passed it on, usually within seconds.
    """

    topic: str
    station_ref: str
    occurred_at: datetime
    payload: Mapping[str, str | int | bool | None] = field(default_factory=dict)
