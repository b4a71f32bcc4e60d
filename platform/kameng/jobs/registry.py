"""Declarations of background work. Filled at import time; needs neither broker nor application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar

Queue = Literal["money", "supply", "notify", "bulk"]
ScopeKind = Literal["main", "station", "none"]

QUEUES: tuple[Queue, ...] = ("money", "supply", "notify", "bulk")

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorSpec:
    """One function that a worker runs. `topic` is set for subscribers of the outbox."""

    name: str
    fn: Callable[..., Any]
    queue: Queue
    scope: ScopeKind
    topic: str = ""
    once: bool = True
    max_retries: int = 8
    min_backoff_ms: int = 2_000
    max_backoff_ms: int = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicSpec:
    """One function that a scheduler runs in slots of `seconds`, shifted by `offset_s`."""

    name: str
    fn: Callable[[], Any]
    seconds: float
    offset_s: float
    scope: ScopeKind
    queue: Queue | None
    lease_s: float


_actors: dict[str, ActorSpec] = {}
_periodic: dict[str, PeriodicSpec] = {}


def actors() -> dict[str, ActorSpec]:
    """All declared actors by name (a copy)."""
    return dict(_actors)


def periodic() -> dict[str, PeriodicSpec]:
    """All declared periodic jobs by name (a copy)."""
    return dict(_periodic)


def find_actor(name: str) -> ActorSpec | None:
    """The actor of that name."""
    return _actors.get(name)


def subscribers(topic: str) -> list[ActorSpec]:
    """Who wants to know about a topic, in a stable order."""
    found = [spec for spec in list(_actors.values()) if spec.topic == topic]
    return sorted(found, key=lambda spec: spec.name)


def add_actor(spec: ActorSpec) -> None:
    """Declare an actor; two functions cannot share a name."""
    known = _actors.get(spec.name)
    if known is not None and _origin(known.fn) != _origin(spec.fn):
        raise ValueError(f"two actors are named {spec.name!r}")
    _actors[spec.name] = spec


def add_periodic(spec: PeriodicSpec) -> None:
    """Declare a periodic job; two functions cannot share a name."""
    known = _periodic.get(spec.name)
    if known is not None and _origin(known.fn) != _origin(spec.fn):
        raise ValueError(f"two periodic jobs are named {spec.name!r}")
    _periodic[spec.name] = spec


def forget(name: str) -> None:
    """Take a declaration back; for tests that declare their own."""
    _actors.pop(name, None)
    _periodic.pop(name, None)


def default_name(fn: Callable[..., Any]) -> str:
    """`kameng.supply.tasks.fulfil` → `supply.fulfil`."""
    parts = [part for part in fn.__module__.split(".") if part not in ("kameng", "tasks")]
    return ".".join([*parts, fn.__name__])


def _origin(fn: Callable[..., Any]) -> tuple[str, str]:
    return fn.__module__, fn.__qualname__
