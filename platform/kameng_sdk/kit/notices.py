"""Notices that are not to be believed, made from a true one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

from kameng_sdk.webhooks import WebhookRequest

# Headers of the transport: no gateway signs with them.
PLAIN = frozenset({
    "host", "content-length", "content-type", "user-agent", "accept", "accept-encoding",
    "connection", "date", "transfer-encoding", "accept-language",
})  # fmt: skip


def altered(notice: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    """One value changed, each time another; with the name of what was changed."""
    for name, pairs, put in _parts(notice):
        for spot, (key, value) in enumerate(pairs):
            changed = [*pairs[:spot], (key, _other(value)), *pairs[spot + 1 :]]
            yield f"{name} {key}", put(changed)
    for key, value in notice.headers.items():
        if key not in PLAIN:
            yield f"header {key}", replace(notice, headers={**notice.headers, key: _other(value)})
    yield from _altered_json(notice)


def unsigned(notice: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    """One thing taken away, each time another."""
    for name, pairs, put in _parts(notice):
        for spot, (key, _value) in enumerate(pairs):
            yield f"no {name} {key}", put([*pairs[:spot], *pairs[spot + 1 :]])
    for key in notice.headers:
        if key not in PLAIN:
            kept = {name: value for name, value in notice.headers.items() if name != key}
            yield f"no header {key}", replace(notice, headers=kept)


def doubled(notice: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    """One parameter given twice with two values, each time another."""
    for name, pairs, put in _parts(notice):
        for key, value in pairs:
            yield f"{name} {key}", put([*pairs, (key, _other(value))])


def emptied(notice: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    """Nothing at all, nothing but the headers, and bytes that mean nothing."""
    yield "an empty request", replace(notice, query="", headers={}, body=b"")
    yield "an empty request with the true headers", replace(notice, query="", body=b"")
    yield "bytes that mean nothing", replace(notice, query="%ff=%ff", body=b"\xff\xfe\x00")


def _parts(notice: WebhookRequest):  # type: ignore[no-untyped-def]  # three places, three functions
    if notice.query:
        yield "parameter", list(notice.query_pairs()), lambda p: replace(notice, query=urlencode(p))
    if "form" in notice.headers.get("content-type", "") and notice.body:
        put = lambda p: replace(notice, body=urlencode(p).encode())  # noqa: E731  # the pair of the line above
        yield "field", list(notice.form_pairs()), put


def _altered_json(notice: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    try:
        read = json.loads(notice.body)
    except ValueError:
        return
    if isinstance(read, dict):
        for key, value in read.items():
            changed = {**read, key: _other_value(value)}
            body = json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()
            yield f"field {key}", replace(notice, body=body)


def _other_value(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + 1
    return _other(value) if isinstance(value, str) else []


def _other(value: str) -> str:
    """Another text of the same look."""
    if not value:
        return "1"
    last = value[-1]
    if last.isdigit():
        return value[:-1] + str((int(last) + 1) % 10)
    return value[:-1] + ("b" if last == "a" else "a")
