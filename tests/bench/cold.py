"""The product with nothing in its caches: before each request Redis and the process forget.

The forgetting, one command to Redis, is part of what is measured. It goes by the line that the
page then asks by, so Redis is empty before the first of the page's own words. What is compiled
(templates) or read at the start (themes, texts) stays: that is the program and no cache of pages.
So does what only says which question to ask: which SKUs a front page had.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from wsgi import app as product

from kameng import redis
from kameng.stations import api as stations
from kameng.web import kept_pages

Wsgi = Callable[..., Any]


def _forgetful(app: Flask) -> Wsgi:
    client = app.extensions[redis.EXTENSION]

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        client.tell("FLUSHDB", "ASYNC")
        stations.forget_hosts(whole=True)
        with app.app_context():
            kept_pages.forget()
        return app(environ, start_response)

    return serve


app = _forgetful(product)
