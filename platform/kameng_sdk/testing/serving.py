"""WSGI applications on a free port of this machine, for as long as a test runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from kameng_sdk.simulators import Simulator, StartResponse

Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
T = TypeVar("T")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: the tests say what matters."""


@dataclass
class Served:
    """An application at `url`, in a thread of its own, until `close`."""

    app: Wsgi
    server: BaseWSGIServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=_Quiet)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address, without trailing slash."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        """Answer nothing more."""
        self.server.shutdown()
        self.server.server_close()


def mounted(simulator: Simulator) -> Wsgi:
    """The simulator below its name, as the host mounts it."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        prefix, path = f"/{simulator.name}", environ["PATH_INFO"]
        if not path.startswith(f"{prefix}/"):
            return Response("not here", 404)(environ, start_response)
        environ |= {"SCRIPT_NAME": prefix, "PATH_INFO": path.removeprefix(prefix)}
        return simulator.wsgi_app(environ, start_response)

    return app


def wait_for(condition: Callable[[], T], seconds: float = 8) -> T:
    """What `condition` returns once it is true; raises `AssertionError` when time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("did not happen in time")
