"""The port between deliveries and the dialects that put them into other words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What is to be told, to whom; ``order_id`` None: an order of the sandbox."""

    station_id: int
    api_key_id: int
    order_id: int | None
    order_no: str
    event: str
    url: str = field(repr=False)
    message_no: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request. It may hold signatures and cards, so it is never shown or stored.

    ``hidden`` are texts that must not be kept when the receiver sends them back.
    """

    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Format:
    """How deliveries of one kind are written, tried again, and when they count as taken."""

    name: str
    build: Callable[[DeliveryFacts], Outgoing | None]
    schedule_s: tuple[int, ...]
    accepts: Callable[[int, bytes], bool]


class Formats:
    """The formats by name."""

    def __init__(self) -> None:
        self._known: dict[str, Format] = {}

    def register(
        self,
        name: str,
        build: Callable[[DeliveryFacts], Outgoing | None],
        schedule_s: Sequence[int],
        accepts: Callable[[int, bytes], bool],
    ) -> None:
        """Add one; raises ValueError for a schedule without a try."""
        if not schedule_s:
            raise ValueError(f"format {name} never tries")
        self._known[name] = Format(name, build, tuple(schedule_s), accepts)

    def find(self, name: str) -> Format | None:
        """The format of that name."""
        return self._known.get(name)
