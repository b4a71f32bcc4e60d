"""A street of gateways (or of suppliers): all simulators behind one address, the shop behind another.

Both are real servers, so that what a gateway tells the shop travels over HTTP to its own hooks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import httpx
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

import kameng_payment_alipay.plugin
import kameng_payment_epay.plugin
import kameng_payment_stripe.plugin
import kameng_payment_unionpay.plugin
import kameng_payment_wechatpay.plugin
from kameng.settings import Settings
from kameng_sdk.simulators import SimulatorEnvironment

PLUGINS = (
    kameng_payment_alipay.plugin, kameng_payment_epay.plugin, kameng_payment_stripe.plugin,
    kameng_payment_unionpay.plugin, kameng_payment_wechatpay.plugin,
)  # fmt: skip
OF_THE_LINE = {"Host", "Content-Length", "Connection", "Accept-Encoding", "Transfer-Encoding"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One callback as it came over the wire."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def but(self, **changes: Any) -> Self:
        """A copy with something changed."""
        return replace(self, **changes)

    def without(self, *headers: str) -> Self:
        """A copy that lacks headers."""
        kept = {name: value for name, value in self.headers.items() if name not in headers}
        return replace(self, headers=kept)

    def with_headers(self, **headers: str) -> Self:
        """A copy with headers changed; `Stripe_Signature` is `Stripe-Signature`."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **changed})


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, *_args: Any) -> None:
        pass


class Door:
    """The shop's address. What is held back is kept, and the gateway hears that it was taken."""

    def __init__(self) -> None:
        self.shop: Callable[..., Any] | None = None
        self.kept: list[Notice] = []
        self.holding = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if self.holding and environ["PATH_INFO"].startswith("/hooks/"):
            self.kept.append(_read(environ))
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"success"]
        assert self.shop is not None
        return self.shop(environ, start_response)


def _read(environ: dict[str, Any]) -> Notice:
    names = {"CONTENT_TYPE": environ.get("CONTENT_TYPE", "")}
    names |= {key[5:]: value for key, value in environ.items() if key.startswith("HTTP_")}
    headers = {name.replace("_", "-").title(): value for name, value in names.items() if value}
    return Notice(
        method=environ["REQUEST_METHOD"], path=environ["PATH_INFO"],
        query=environ["QUERY_STRING"],
        headers={name: value for name, value in headers.items() if name not in OF_THE_LINE},
        body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
    )  # fmt: skip


class Street:
    """Simulators by plugin id (`street["payment-epay"]`), the street's address as `street["url"]`."""

    def __init__(self, folder: Path, plugins: Sequence[Any] = PLUGINS) -> None:
        self.door = Door()
        self._gateways: Callable[..., Any] | None = None
        self._servers = [_serve(self._to_gateway), _serve(self.door)]
        self.url, self.shop_url = (f"http://127.0.0.1:{s.server_port}" for s in self._servers)
        environment = SimulatorEnvironment(state_folder=folder, base_url=self.url)
        self.simulators = {
            plugin.kameng_manifest().id: each
            for plugin in plugins
            for each in plugin.kameng_simulators(environment)
        }
        self._gateways = DispatcherMiddleware(
            lambda environ, start: (start("404 Not Found", []), [b""])[1],
            {f"/{each.name}": each.wsgi_app for each in self.simulators.values()},
        )
        self.http = httpx.Client(timeout=20, limits=httpx.Limits(max_connections=None))

    def _to_gateway(self, *call: Any) -> Any:
        assert self._gateways is not None
        return self._gateways(*call)

    def __getitem__(self, name: str) -> Any:
        return self.url if name == "url" else self.simulators[name]

    @property
    def shop_port(self) -> int:
        """Where the shop answers: what the product must think its public port is."""
        return self._servers[1].server_port

    def beside(self, settings: Settings) -> Settings:
        """Settings of a shop on this street."""
        return replace(settings, simulator_url=self.url, public_port=self.shop_port)

    def close(self) -> None:
        """Stop both servers and all couriers."""
        for simulator in self.simulators.values():
            simulator.close()
        self.http.close()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def send(self, notice: Notice, path: str = "") -> httpx.Response:
        """Send a notice to the shop, as the gateway would."""
        query = f"?{notice.query}" if notice.query else ""
        return self.http.request(
            notice.method,
            f"{self.shop_url}{path or notice.path}{query}",
            headers={"Host": f"main.localhost:{self.shop_port}", **notice.headers},
            content=notice.body or None,
        )

    @contextmanager
    def holding(self) -> Iterator[list[Notice]]:
        """Callbacks do not reach the shop meanwhile; what comes is in the list."""
        self.door.kept, self.door.holding = [], True
        try:
            yield self.door.kept
        finally:
            self.door.holding = False


def _serve(app: Callable[..., Any]) -> BaseWSGIServer:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def until(met: Callable[[], Any], seconds: float = 8.0) -> Any:
    """What `met` answers, once that is true."""
    give_up = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)
    return found
