"""One line per request, without query strings and without secrets."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from kameng.logging import ACCESS, AccessRecord
from kameng.runtime import application_context

log = logging.getLogger(ACCESS)


def init_access_log(app: Flask) -> None:
    """Log every answer after all other hooks."""
    app.after_request(_write)


def write(method: str, route: str, status: int, ip: str | None) -> None:
    """One line about the request in hand."""
    if not log.isEnabledFor(logging.INFO):
        return
    own = application_context().g
    now, station = time.monotonic(), own.get("station")
    facts = {
        "method": method, "route": route, "status": status,
        "ms": round((now - own.get("started", now)) * 1000),
        "ip": ip, "station": station.id if station else None,
        "request_id": own.get("request_id", ""),
    }  # fmt: skip
    log.handle(AccessRecord(facts))


def _write(response: Response) -> Response:
    if g.get("audience") != "internal":
        # The rule, not the path: tokens stand in paths of callbacks and order links.
        rule = request.url_rule.rule if request.url_rule else request.path[:120]
        write(request.method, rule, response.status_code, request.remote_addr)
    return response
