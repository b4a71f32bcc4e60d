"""Signatures as the site makes and checks them; not the client's code, so that both are tried."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

WINDOW_S = 600


def request_is_signed(
    headers: Mapping[str, str], parsed: Mapping[str, Any], key: str, now: float
) -> bool:
    """The site sorts what it has parsed, writes it anew and signs that: other bytes do not hold."""
    stamp = headers.get("Timestamp", "")
    if not (stamp.isdecimal() and len(stamp) == 13 and abs(now - int(stamp) / 1000) < WINDOW_S):
        return False
    written = "{" + ",".join(f"{_dump(n)}:{_dump(parsed[n])}" for n in sorted(parsed)) + "}"
    return headers.get("Sign") == digest(stamp, written, key)


def signed_notice(
    facts: Mapping[str, str], key: str, cards: list[dict[str, str]]
) -> dict[str, Any]:
    """An order notice: cards travel beside what is signed."""
    stamped = {**facts, "time": str(int(time.time() * 1000))}
    body: dict[str, Any] = {**stamped, "sign": digest(stamped["time"], _php(stamped), key)}
    return {**body, "card_list": cards} if cards else body


def signed_goods_notice(facts: Mapping[str, str], key: str) -> dict[str, str]:
    """A goods notice: only number and time are signed."""
    stamp = str(int(time.time() * 1000))
    return {
        **facts,
        "time": stamp,
        "sign": digest(stamp, _php({"id": facts["id"], "time": stamp}), key),
    }


def digest(stamp: str, text: str, key: str) -> str:
    """Lower-case SHA-1."""
    return hashlib.sha1(f"{stamp}{text}{key}".encode(), usedforsecurity=False).hexdigest()


def _php(facts: Mapping[str, str]) -> str:
    return _dump(dict(sorted(facts.items()))).replace("/", "\\/")


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
