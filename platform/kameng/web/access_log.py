"""One line per request, without query strings and without secrets."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

log = logging.getLogger("kameng.access")


def init_access_log(app: Flask) -> None:
    """Log every answer after all other hooks."""
    app.after_request(_write)


def _write(response: Response) -> Response:
    if g.get("audience") == "internal":
        return response
    # The rule, not the path: tokens stand in paths of callbacks and order links.
    rule = request.url_rule.rule if request.url_rule else request.path[:120]
    station = g.get("station")
    facts = {
        "method": request.method,
        "route": rule,
        "status": response.status_code,
        "ms": round((time.monotonic() - g.get("started", time.monotonic())) * 1000),
        "ip": request.remote_addr,
        "station": station.id if station else None,
        "request_id": g.get("request_id", ""),
    }
    log.info("request", extra=facts)
    return response
