"""granian in the place of gunicorn: `python -m kameng.ops.granian_server` beside ``wsgi.py``.

Environment: as for gunicorn (gunicorn_conf.py), and the same limits where granian has them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from importlib import import_module
from typing import Any, cast

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from kameng import lean

TARGET = "wsgi:app"
HOUR_S = 3600
# What it says goes the way of all our lines: through the mask, as JSON.
LOGGING: dict[str, Any] = {
    "loggers": {"_granian": {"handlers": [], "level": "INFO", "propagate": True}}
}
# Every request gets a copy of the environment.
NOT_FOR_REQUESTS = ("KAMENG_", "HTTP_")

Wsgi = Callable[..., Any]


def imported(target: str) -> Wsgi:
    """The WSGI application that `module:name` is."""
    module, _, name = target.partition(":")
    return cast(Wsgi, getattr(import_module(module), name))


def load(target: str) -> Wsgi:
    """The application as a worker serves it."""
    app = imported(target)
    hide_from_requests(os.environ)

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("CONTENT_LENGTH"):
            # It promises whole bodies and hands over what came: Werkzeug shall count.
            environ.pop("wsgi.input_terminated", None)
        return app(environ, start_response)

    return serve


def hide_from_requests(environ: MutableMapping[str, str]) -> None:
    """Take out secrets, which are read by now, and what would pass for headers."""
    for name in [one for one in environ if one.startswith(NOT_FOR_REQUESTS)]:
        del environ[name]


def make_server(environ: Mapping[str, str], target: str = TARGET) -> MPServer:
    """A server that is not serving yet."""
    return MPServer(
        target,
        address=environ.get("KAMENG_BIND", "127.0.0.1"),
        port=int(environ.get("KAMENG_PORT", "8000")),
        interface=Interfaces.WSGI,
        workers=int(environ.get("KAMENG_WEB_WORKERS", "2")),
        blocking_threads=int(environ.get("KAMENG_WEB_THREADS", "8")),
        # Connections, not requests: kept ones count, too.
        backlog=2048,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=15_000, max_buffer_size=64 * 1024),
        log_level=LogLevels(environ.get("KAMENG_LOG_LEVEL", "INFO").lower()),
        log_dictconfig=LOGGING,
        log_access=False,  # the application logs requests, without secrets in query strings
        respawn_failed_workers=True,
        # It cannot count requests: a worker ends by age or by size.
        workers_lifetime=6 * HOUR_S,
        workers_max_rss=512,
        workers_kill_timeout=15,
    )


def main() -> None:
    """Serve until a signal comes."""
    server = make_server(os.environ)
    imported(TARGET)  # once, before the fork
    lean.settle()
    server.serve(target_loader=load)


if __name__ == "__main__":
    main()
