"""One request to an address that a stranger gave: guarded, bounded, outside every transaction."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from kameng.plugins import api as plugins
from kameng.webhooks.domain.outgoing import Outgoing
from kameng_sdk.errors import PluginError

TIMEOUT_S = 15.0
KEPT_ANSWER = 500  # characters

log = logging.getLogger("kameng.webhooks")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back. ``status`` 0: nothing usable, and ``text`` says why."""

    status: int
    elapsed_ms: int
    text: str
    retry_after: str = ""
    body: bytes = field(default=b"", repr=False)


def send(outgoing: Outgoing, url: str) -> Answered:
    """Make the request; never raises what the network or the receiver did.

    Raises `InTransaction` when the open scope holds one.
    """
    client = plugins.outward_client("webhook", TIMEOUT_S)
    started = time.monotonic()
    try:
        answer = client.request(
            outgoing.method, url, headers=outgoing.headers, content=outgoing.body
        )
    except PluginError as trouble:
        return Answered(0, _since(started), str(trouble)[:KEPT_ANSWER])
    text = _legible(answer.body, outgoing.hidden)
    waits = answer.headers.get("retry-after", "")
    return Answered(answer.status, _since(started), text, waits, answer.body)


def _legible(body: bytes, hidden: tuple[str, ...]) -> str:
    """The beginning of an answer as text, without what must not be kept."""
    text = body[: 16 * KEPT_ANSWER].decode("utf-8", "replace").replace("\0", "")
    for secret in hidden:
        if secret:
            text = text.replace(secret, "****")
    return text[:KEPT_ANSWER]


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
