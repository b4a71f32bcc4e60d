"""A simulator that runs, a shop that takes its notices, and a plugin's configuration for both."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeRequest
from kameng_sdk.simulators import Simulator, SimulatorEnvironment, StartResponse
from kameng_sdk.testing.calls import DirectHttp, HandClock, call_context, plugin_config
from kameng_sdk.testing.serving import Served, mounted
from kameng_sdk.webhooks import WebhookRequest


class Stoppable(Simulator, Protocol):
    """A simulator whose threads end with `close`."""

    def close(self) -> None:
        """Stop; what was not delivered stays in its folder."""
        ...


S = TypeVar("S", bound=Stoppable)


@contextmanager
def simulating(make: Callable[[SimulatorEnvironment], S], folder: Path) -> Iterator[tuple[S, str]]:
    """A simulator on a free port, with its state in `folder`; gives it and its address."""
    holder: list[S] = []
    # The address comes before the simulator, which needs to know it.
    with closing(Served(lambda environ, start: mounted(holder[0])(environ, start))) as served:
        environment = SimulatorEnvironment(state_folder=folder, base_url=served.url)
        with closing(make(environment)) as simulator:
            holder.append(simulator)
            yield simulator, f"{served.url}/{simulator.name}"


@dataclass
class Merchant:
    """The shop as a WSGI application: keeps what comes to `/notify`, and answers as told."""

    answer: str = ""
    status: int = 200
    notices: list[WebhookRequest] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if request.path != "/notify":
            return Response("shop")(environ, start_response)
        self.notices.append(
            WebhookRequest(
                method=request.method,
                path=request.path,
                query=request.query_string.decode(),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=request.get_data(),
            )
        )
        return Response(self.answer, self.status)(environ, start_response)


class LeverRefused(Exception):
    """A simulator's control refused what was asked: `status`, and its words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}")
        self.status = status


@dataclass
class Scene(Generic[S]):
    """What one test of a gateway's plugin needs in one place; a plugin adds its provider.

    `secrets` names the sealed fields, `method` is how to pay when a test does not care.
    """

    secrets: ClassVar[Collection[str]] = ()
    method: ClassVar[str] = ""
    subject: ClassVar[str] = "话费充值 100 元 & 赠品=1"

    simulator: S
    url: str
    merchant: Merchant = field(default_factory=Merchant)
    clock: HandClock = field(default_factory=HandClock)
    shop: Served | None = None
    moved: dict[str, str] = field(default_factory=dict)

    @property
    def shop_url(self) -> str:
        """The merchant's address; it opens when somebody asks for it."""
        self.shop = self.shop or Served(self.merchant)
        return self.shop.url

    def close(self) -> None:
        """Levers go back to where they stood, and the shop closes."""
        try:
            if self.moved:
                self._ask("POST", "settings", self.moved)
        finally:
            if self.shop:
                self.shop.close()

    def ctx(self) -> CallContext:
        """One call of the host."""
        return call_context(self.clock)

    def config(self, **changes: Any) -> PluginConfig:
        """The demo's settings with something changed."""
        return plugin_config({**self.simulator.demo_config(), **changes}, self.secrets)

    def request(
        self, attempt_no: str, fen: int = 9550, method: str = "", **changes: Any
    ) -> ChargeRequest:
        """A charge of `fen` that tells this scene's shop; open for a quarter of an hour."""
        values: dict[str, Any] = {
            "attempt_no": attempt_no,
            "amount": Money.from_fen(fen),
            "method": method or self.method,
            "subject": self.subject,
            "notify_url": f"{self.shop_url}/notify",
            "return_url": f"{self.shop_url}/back?order=1",
            "client_ip": "203.0.113.9",
            "expires_at": datetime.now(UTC) + timedelta(minutes=15),
        }
        return ChargeRequest(**(values | changes))

    def control(self, attempt_no: str, action: str, **params: object) -> dict[str, Any]:
        """Do as the shopper would (pay, refuse …); raises `LeverRefused`."""
        return self._ask("POST", f"out:{attempt_no}/{action}", params)

    def settings(self, **values: object) -> None:
        """Move levers; they go back when the test is over. Raises `LeverRefused`."""
        stood = self._ask("GET", "settings")
        self._ask("POST", "settings", values)
        self.moved = {name: str(stood[name]) for name in values} | self.moved

    def order(self, attempt_no: str) -> dict[str, Any]:
        """What the simulator knows of an attempt."""
        found: dict[str, Any] = self._ask("GET", "orders", {"out_trade_no": attempt_no})
        order: dict[str, Any] = found["orders"][0]
        return order

    def _ask(self, method: str, what: str, params: Mapping[str, object] = {}) -> dict[str, Any]:
        """`params` are read only."""
        url = f"{self.url}/control/{what}"
        if method == "GET":
            answer = DirectHttp().request(method, f"{url}?{urlencode(params)}")
        else:
            data = {name: str(value) for name, value in params.items()}
            answer = DirectHttp().request(method, url, data=data)
        if answer.status != 200:
            raise LeverRefused(answer.status, answer.text())
        result: dict[str, Any] = json.loads(answer.body)
        return result
