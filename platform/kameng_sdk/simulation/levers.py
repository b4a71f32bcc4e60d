"""Levers: how a simulated gateway misbehaves, moved by a POST to `/control/settings`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from kameng_sdk.simulation.store import Store

MOST_TIMES = 1000
# callbacks on|off; latency of each answer; how many of 100 answers are failures, and whether what
# was asked happens then (`after`) or not (`before`); numbers missing from the bill, by comma.
DEFAULTS = {
    "callbacks": "on", "latency_ms": "0", "fail_percent": "0", "fail_when": "before",
    "bill_omit": "",
}  # fmt: skip
WORDS = {"callbacks": {"on", "off"}, "fail_when": {"before", "after"}}
MOST = {"latency_ms": 60_000, "fail_percent": 100}


class Levers:
    """All levers of one simulator; a wrong name or value is refused and moves nothing."""

    def __init__(
        self,
        store: Store,
        words: Mapping[str, set[str]] = WORDS,
        most: Mapping[str, int] = MOST,
    ) -> None:
        self._store = store
        self._words = words
        self._most = most

    def change(self, params: Mapping[str, str]) -> dict[str, object]:
        """Move those named; returns how all stand. Raises `BadRequest`."""
        for name, value in params.items():
            if name not in self._store.defaults or value not in self._words.get(name, {value}):
                raise BadRequest(f"unknown setting or value: {name}")
            if name in self._most:
                whole(params, name, 0, most=self._most[name])
        for name, value in params.items():
            self._store.change_setting(name, value)
        return self.show()

    def show(self) -> dict[str, object]:
        """How all levers stand."""
        return dict(self._store.settings())


def whole(params: Mapping[str, str], name: str, default: int, *, most: int = MOST_TIMES) -> int:
    """A whole number from 0 to `most` among parameters. Raises `BadRequest`."""
    text = params.get(name, str(default))
    if not (text.isascii() and text.isdecimal()) or not 0 <= int(text) <= most:
        raise BadRequest(f"{name} is a number from 0 to {most}")
    return int(text)


def troubled(store: Store, answer: Callable[[], Response]) -> Response:
    """What `answer` gives, slowly or not at all if the levers say so."""
    setting = store.setting
    time.sleep(int(setting("latency_ms")) / 1000)
    fails = random.randrange(100) < int(setting("fail_percent"))
    if fails and setting("fail_when") == "before":
        return Response("upstream failure", status=502)
    response = answer()
    return Response("upstream failure", status=502) if fails else response
