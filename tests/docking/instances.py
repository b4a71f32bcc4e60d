"""Two installations of Kameng in one process: each has databases, an application and an address."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg
from tests.functional.conftest import Market
from tests.integration.payments.street import Quiet
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from kameng.db import db, main_scope, station_scope
from kameng.jobs.api import drain
from kameng.settings import Settings
from kameng_sdk.simulation.lies import cut_off

if TYPE_CHECKING:
    from flask import Flask

MAIN = 1
JSON = "application/json"
STAFF = "staff:1"


class Gate:
    """An address that is there before its application, and may lose answers on the way."""

    def __init__(self) -> None:
        self.app: Callable[..., Any] | None = None
        self._counted: Callable[[], int] | None = None
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.05,), daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        assert self.app is not None
        if self._counted is None:
            return self.app(environ, start_response)
        before = self._counted()
        answer = b"".join(run_wsgi_app(self.app, environ)[0])
        assert answer
        lost = cut_off() if self._counted() > before else Response(answer, mimetype=JSON)
        return lost(environ, start_response)

    @contextmanager
    def losing(self, counted: Callable[[], int]) -> Iterator[None]:
        """Meanwhile the answer of every request that made something more is lost."""
        self._counted = counted
        yield
        self._counted = None

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        """The main station behind it; `localhost` and all names below it are this machine."""
        return f"http://main.localhost:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Instance:
    """One installation: `market` has the hands for its pages."""

    name: str
    settings: Settings
    market: Market
    gate: Gate
    slugs: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    @property
    def app(self) -> Flask:
        return self.market.app

    @property
    def url(self) -> str:
        """Its main station as everybody reaches it."""
        return self.gate.url

    def one(self, sql: str, *values: Any) -> Any:
        row = self.market.owner.execute(sql.encode(), values).fetchone()
        return row[0] if row else None

    # Goods and money

    def goods(self, kind: str, cost: int, *, cards: int = 0, **sku: Any) -> str:
        """A SKU of its own product on sale at the main station; its code, which is in its name."""
        from kameng.catalog import api as catalog
        from kameng.pricing import api as pricing
        from kameng.stock import api as stock

        code = f"{self.name}{next(self.slugs)}{secrets.token_hex(2)}".upper()
        with self.app.app_context(), main_scope(reason="test"):
            home = self.one("SELECT id FROM category WHERE slug = 'games'")
            product = catalog.create_product(
                code.lower(), f"商品{code}", home, kind, state="on_sale"
            )
            if kind == "top_up":
                rule = catalog.FieldRule("phone", "充值手机号", "phone", True, "", "", ())
                catalog.save_fields(product, [rule])
            self.market.skus[code] = catalog.create_sku(product, code, "一件", cost=cost, **sku)
            pricing.reprice()
            if cards:
                lines = "".join(f"{code}N{n:04d}----{code}-CODE-{n:04d}\n" for n in range(cards))
                stock.import_cards(self.market.skus[code], lines.encode(), "c.txt", "test")
        return code

    def price(self, code: str) -> int:
        """At the main station, scale 4."""
        return int(
            self.one(
                "SELECT price FROM listing WHERE station_id = 1 AND sku_id = %s",
                self.market.skus[code],
            )
        )  # fmt: skip

    def cards_of(self, order_no: str) -> list[str]:
        """The codes that an order was given."""
        from kameng.stock.api import reveal_all

        number = self.one("SELECT id FROM orders WHERE order_no = %s", order_no)
        with self.app.app_context(), station_scope(MAIN):
            return sorted(card.secret for card in reveal_all(number, STAFF))

    def wallet(self, member: int) -> int:
        return int(
            self.one(
                "SELECT coalesce(sum(b.balance), 0) FROM account_balance b JOIN account a"
                " ON a.id = b.account_id WHERE a.kind = 'wallet' AND a.ref = %s", str(member),
            )
        )  # fmt: skip

    # Time

    def work(self) -> None:
        """Everything that jobs have to do now, and what they would hand to a worker."""
        with self.app.app_context():
            while drain() + self._send_notices():
                pass

    def _send_notices(self) -> int:
        """The first try of each; a worker would have it at once."""
        from kameng.webhooks import api as webhooks

        due = self.market.owner.execute(
            "SELECT station_id, id, tries FROM webhook_delivery WHERE state = 'due' AND tries = 0"
        ).fetchall()
        for delivery in due:
            webhooks.send_delivery(*delivery)
        return len(due)

    def ask_suppliers(self) -> None:
        """The job that asks about open purchases, each at its time."""
        from kameng.supply.services import querying

        self.market.owner.execute(
            "UPDATE purchase SET next_query_at = now() - interval '1 second'"
            " WHERE state IN ('created', 'sent', 'unknown')"
        )
        with self.app.app_context():
            querying.query_due()
        self.work()

    def assert_books_balance(self) -> None:
        from kameng.ledger.api import verify

        with self.app.app_context(), main_scope(reason="test"):
            report = verify()
        assert report.ok, [(c.name, c.findings) for c in report.checks if not c.ok]


@contextmanager
def running(
    name: str, settings: Settings, database: str, gate: Gate, other: Gate
) -> Iterator[Instance]:
    """An installation behind its gate that may reach the other one, as the demo its simulators."""
    import kameng_tenants
    from kameng.app import create_app
    from kameng.plugins import api as plugins
    from kameng.supply import tasks as purchases
    from kameng.webhooks import tasks as notices

    assert purchases
    assert notices  # both listen to what happens
    settings = replace(settings, public_port=gate.port, simulator_url=other.url)
    app = create_app(settings)
    app.testing = True
    kameng_tenants.init_app(app)
    plugins.init_plugins(app, settings)
    gate.app = app.wsgi_app
    with psycopg.connect(database, autocommit=True) as owner:
        instance = Instance(name, settings, Market(app, owner), gate)
        with app.app_context():
            _seed()
        yield instance
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


def _seed() -> None:
    from kameng.catalog import api as catalog
    from kameng.plugins import api as plugins
    from kameng.stations import api as stations

    with main_scope(reason="test"):
        stations.create_main_station("主站")
        db.session.commit()
        catalog.create_category("games", "游戏点卡", "device-gamepad-2")
    for plugin_id in ("payment-balance", "supplier-manual"):
        plugins.configure(MAIN, plugin_id, {}, STAFF)
        plugins.set_enabled(MAIN, plugin_id, True, STAFF)
