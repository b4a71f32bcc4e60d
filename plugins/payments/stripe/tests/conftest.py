"""A running simulator, a merchant that takes notices, and the plugin between them."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from kameng_payment_stripe.account import StripeAccount
from kameng_payment_stripe.provider import StripeProvider
from kameng_payment_stripe.simulator import StripeSimulator
from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import HttpNeverSent, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeRequest
from kameng_sdk.secrets import Secret
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_sdk.webhooks import WebhookRequest

# One client for all: making its TLS settings costs more than a request.
WEB = httpx.Client(timeout=10)
SECRETS = {"secret_key", "webhook_secret"}


class WebClient:
    """`HttpClient` of the SDK on a plain client, without the host's guard."""

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        data: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        json: object = None,
        timeout_s: float | None = None,
    ) -> HttpResponse:
        try:
            answer = WEB.request(
                method,
                url,
                headers=dict(headers or {}),
                content=content,
                data=dict(data) if data else None,
                json=json,
                timeout=timeout_s,
            )
        except httpx.ConnectError as error:
            raise HttpNeverSent(message=str(error)) from None
        except httpx.HTTPError as error:
            raise HttpOutcomeUnknown(str(error)) from None
        headers_in = {name.lower(): value for name, value in answer.headers.items()}
        return HttpResponse(status=answer.status_code, headers=headers_in, body=answer.content)


@dataclass
class HandClock:
    """Real time, moved by hand."""

    moved: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def monotonic(self) -> float:
        return time.monotonic()


class QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: the tests say what matters."""


@dataclass
class Served:
    """A WSGI application on a free port, in its own thread."""

    app: Any
    server: BaseWSGIServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = make_server(
            "127.0.0.1", 0, self.app, threaded=True, request_handler=QuietHandler
        )
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Merchant:
    """Takes notices and answers what the test wants."""

    status: int = 200
    notices: list[WebhookRequest] = field(default_factory=list)

    def of(self, kind: str) -> list[WebhookRequest]:
        return [notice for notice in self.notices if json.loads(notice.body)["type"] == kind]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path == "/notify":
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.notices.append(
                WebhookRequest(
                    method=request.method,
                    path=request.path,
                    query="",
                    headers=headers,
                    body=request.get_data(),
                )
            )
            return Response("", self.status)(environ, start_response)
        return Response("shop")(environ, start_response)


def wait_for(condition: Callable[[], Any], seconds: float = 8) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("did not happen in time")


@dataclass
class Scene:
    """Everything a test needs in one place."""

    simulator: StripeSimulator
    url: str
    merchant: Merchant
    shop_url: str
    clock: HandClock
    web: httpx.Client = field(default_factory=lambda: WEB)

    def ctx(self) -> CallContext:
        return CallContext(
            deadline=time.monotonic() + 10, correlation_id="t", http=WebClient(), clock=self.clock
        )

    def config(self, **changes: Any) -> PluginConfig:
        values: dict[str, Any] = {**self.simulator.demo_config(), **changes}
        return PluginConfig({n: Secret(v) if n in SECRETS and v else v for n, v in values.items()})

    def provider(self, **changes: Any) -> StripeProvider:
        return StripeProvider(StripeAccount.from_config(self.config(**changes)))

    def request(self, attempt_no: str, fen: int = 9550) -> ChargeRequest:
        return ChargeRequest(
            attempt_no=attempt_no,
            amount=Money.from_fen(fen),
            method="checkout",
            subject="话费充值 100 元 & 赠品=1",
            notify_url=f"{self.shop_url}/notify",
            return_url=f"{self.shop_url}/back?order=1",
            client_ip="203.0.113.9",
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
        )

    def open(self, attempt_no: str) -> tuple[StripeProvider, str]:
        """Charge; gives the session's id too."""
        provider = self.provider()
        return provider, provider.charge(self.ctx(), self.request(attempt_no)).provider_ref

    def control(self, attempt_no: str, action: str, **params: Any) -> dict[str, Any]:
        answer = self.web.post(f"{self.url}/control/out:{attempt_no}/{action}", params=params)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    def settings(self, **values: Any) -> None:
        self.web.post(f"{self.url}/control/settings", data=values).raise_for_status()

    def order(self, attempt_no: str) -> dict[str, Any]:
        answer = self.web.get(f"{self.url}/control/orders", params={"out_trade_no": attempt_no})
        orders: list[dict[str, Any]] = answer.json()["orders"]
        return orders[0]


def mounted(simulator: StripeSimulator) -> Any:
    """The application below its name, as the host mounts it."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        prefix = f"/{simulator.name}"
        path = environ["PATH_INFO"]
        if not path.startswith(f"{prefix}/"):
            return Response("not here", 404)(environ, start_response)
        environ |= {"SCRIPT_NAME": prefix, "PATH_INFO": path.removeprefix(prefix)}
        return simulator.wsgi_app(environ, start_response)

    return app


@pytest.fixture(scope="module")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulators")


@pytest.fixture(scope="module")
def running(state_folder: Path) -> Iterator[tuple[StripeSimulator, str]]:
    holder: list[Any] = []
    served = Served(lambda environ, start: holder[0](environ, start))
    environment = SimulatorEnvironment(state_folder=state_folder, base_url=served.url)
    simulator = StripeSimulator(environment)
    holder.append(mounted(simulator))
    yield simulator, f"{served.url}/stripe"
    simulator.close()
    served.close()


@pytest.fixture
def scene(running: tuple[StripeSimulator, str]) -> Iterator[Scene]:
    merchant = Merchant()
    shop = Served(merchant)
    scene = Scene(running[0], running[1], merchant, shop.url, HandClock())
    scene.settings(callbacks="on", latency_ms=0, fail_percent=0, fail_when="before")
    yield scene
    shop.close()


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
