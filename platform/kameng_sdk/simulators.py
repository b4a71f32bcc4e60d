"""Simulators: stand-ins that speak a gateway's real protocol over HTTP, for the demo and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

StartResponse = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorEnvironment:
    """Where simulators live: each answers at ``base_url/<name>`` (also in ``SCRIPT_NAME``).

    ``public_name`` is the operator's name to show. State goes under ``state_folder`` only.
    """

    state_folder: Path
    base_url: str
    public_name: str = "Kameng"

    def url_of(self, name: str) -> str:
        """Address of one simulator, without trailing slash."""
        return f"{self.base_url.rstrip('/')}/{name}"

    def folder_of(self, name: str) -> Path:
        """Own folder of one simulator; made when missing."""
        folder = self.state_folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class Simulator(Protocol):
    """One stand-in. Its pages say clearly that they are a simulator.

    One that works in the background has a ``close()`` that ends it (since 1.1, not demanded).
    """

    @property
    def name(self) -> str:
        """Path segment it is mounted at, unique over all plugins; the plugin's short name."""
        ...

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; called by several threads."""
        ...

    def demo_config(self) -> Mapping[str, str | int | bool]:
        """Form values for the real plugin (ids, keys, gateway URL) that make it talk to this."""
        ...


def close(simulator: Simulator) -> None:
    """End what a simulator does in the background, if it has said how. Since 1.1."""
    end = getattr(simulator, "close", None)
    if end is not None:
        end()
