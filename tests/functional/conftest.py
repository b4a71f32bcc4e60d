"""A small market for tests of shop pages: three stations, goods of each kind, gateways, a wallet."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from redis import Redis

from kameng.web.compiled import Compiled

from .quarter import Quarter, quarter_on

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from tests.conftest import Server
    from werkzeug.test import TestResponse

    from kameng.settings import Settings

MAIN = "http://main.localhost:8000"
YE = "http://yehang.localhost:8000"


@dataclass
class Market:
    """Hands for tests: the application, the owner's connection, and short ways to do things."""

    app: Flask
    owner: psycopg.Connection[Any]
    owner_login: tuple[str, str] = ("shen", "shen-pass-2026")
    skus: dict[str, int] = field(default_factory=dict)

    def browser(self) -> FlaskClient:
        from kameng.stations import api as stations
        from kameng.web import kept_pages

        stations.forget_hosts()
        with self.app.app_context():
            kept_pages.forget()
        return self.app.test_client()

    def get(self, browser: FlaskClient, path: str, base: str = MAIN) -> str:
        answer = browser.get(path, base_url=base)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:400])
        return answer.text

    def post(
        self, browser: FlaskClient, path: str, data: dict[str, str], base: str = MAIN
    ) -> TestResponse:
        """Post a form as a browser would: with the token of a page seen before."""
        page = browser.get("/orders/lookup" if "/console" not in path else "/console/login",
                           base_url=base, follow_redirects=True)  # fmt: skip
        token = hidden(page.text, "_csrf")
        return browser.post(path, data={**data, "_csrf": token}, base_url=base)

    def member(self, browser: FlaskClient, login: str, wallet: int = 0, base: str = MAIN) -> int:
        """Register and sign in; the wallet is filled through the books."""
        answer = self.post(
            browser, "/register", {"login": login, "password": "a-long-pass-1", "agree": "1"}, base
        )
        assert answer.status_code == 303, answer.text[:300]
        row = self.owner.execute("SELECT station_id, id FROM member WHERE login = %s", (login,))
        station, member = row.fetchone() or (0, 0)
        if wallet:
            self.fill_wallet(station, member, wallet)
        return int(member)

    def fill_wallet(self, station: int, member: int, amount: int) -> None:
        from kameng.db import call

        number = f"T{station}{member}{amount}"
        self.owner.execute(
            "INSERT INTO payment_attempt(station_id, attempt_no, purpose, member_id, plugin_id,"
            " method, amount, state, expires_at) VALUES"
            " (%s, %s, 'top_up', %s, 'payment-epay', 'alipay', %s, 'sent', now() + '1 hour')",
            (station, number, member, amount),
        )
        with self.app.app_context():
            call(
                "apply_payment", p_station=station, p_attempt_no=number, p_plugin="payment-epay",
                p_amount=amount, p_currency="CNY", p_provider_ref=number, p_source="test",
                p_wait=False,
                as_main=True,
            )  # fmt: skip

    def order_form(self, browser: FlaskClient, sku: str, quantity: int = 1, **inputs: str) -> Any:
        """The checkout page's fields, filled as a shopper would."""
        data = {"sku": sku, "quantity": str(quantity)}
        data |= {f"in.{name}": value for name, value in inputs.items()}
        page = self.post(browser, "/checkout", data)
        if page.status_code == 303:  # a browser that keeps cookies
            page = browser.get(page.headers["Location"], base_url=MAIN)
        assert page.status_code == 200, page.text[:500]
        found = {name: hidden(page.text, name) for name in ("key", "expected_payable")}
        return {
            **data, **found, "contact": "13800136021", "method": "payment-epay:alipay",
            "agree": "1",
        }  # fmt: skip

    def paid_order(self, sku: str, quantity: int = 1) -> int:
        """An order of the main station, paid at a gateway; its id."""
        from kameng.db import station_scope
        from kameng.orders.api import PlaceRequest, place, quote
        from kameng.payments.services.applying import call_until_decided

        inputs = {"phone": "13800136021"} if sku == "P100" else {}
        with self.app.app_context(), station_scope(1):
            placed = place(
                PlaceRequest(
                    sku_code=sku, quantity=quantity, inputs=inputs, contact="13900000000",
                    expected_payable=quote(sku, quantity).payable, ip="192.0.2.1",
                    idempotency_key=secrets.token_hex(8),
                ),
                ("allow", []),
            )  # fmt: skip
        attempt = f"T{secrets.token_hex(9)}"
        self.owner.execute(
            "INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, plugin_id, method, amount, fee, state, expires_at)"
            " VALUES (1, %s, 'order', %s, 'payment-epay', 'alipay', %s, 0, 'sent', now() + interval '15 minutes')",
            (attempt, placed.order_id, placed.payable),
        )
        with self.app.app_context():
            call_until_decided(
                "apply_payment", p_station=1, p_attempt_no=attempt, p_plugin="payment-epay",
                p_amount=placed.payable, p_currency="CNY", p_provider_ref=attempt, p_source="notice",
            )  # fmt: skip
        return int(placed.order_id)

    def count(self, statement: str, *values: Any) -> int:
        row = self.owner.execute(statement, values).fetchone()
        return int(row[0]) if row else 0


def hidden(page: str, name: str) -> str:
    """Value of a hidden field."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found, f"no field {name} on the page"
    return found[1]


_TEMPLATES = Compiled()  # of one module's pages: the next one's need not be compiled again


@pytest.fixture(scope="session")
def quarter(server: Server) -> Iterator[Quarter]:
    """Where all markets of the session stand, one after the other."""
    with quarter_on(server) as found:
        yield found


@pytest.fixture(scope="module")
def market(settings: Settings, database: str, quarter: Quarter) -> Iterator[Market]:
    """The core with the stations' faces, seeded through the product's own services."""
    with market_with(settings, database, quarter) as found:
        yield found


@contextmanager
def market_with(settings: Settings, database: str, quarter: Quarter) -> Iterator[Market]:
    """A market on given settings; its gateways are the simulators of the quarter."""
    from kameng.web import translations

    translations.compile_catalogue(translations.catalogue_path("en"))
    with Redis.from_url(settings.redis_url) as client:
        client.flushdb()  # what another module's shoppers were counted for is not held against ours
    with quarter.simulators(settings) as simulated:
        app = _faces(simulated)
        skus = quarter.furnish(database, lambda owner: _seed(Market(app, owner), simulated))
        with psycopg.connect(database, autocommit=True) as owner:
            yield Market(app, owner, skus=dict(skus))
            _close_engines(app)


def _faces(settings: Settings) -> Flask:
    import kameng_tenants
    from kameng.app import create_app

    app = create_app(settings)
    app.testing = True
    app.jinja_env.bytecode_cache = _TEMPLATES
    kameng_tenants.init_app(app)
    return app


def _seed(market: Market, settings: Settings) -> dict[str, int]:
    from kameng.ops.demo import channels

    with market.app.app_context():  # not around the tests: requests would share its `g`
        _stations(market)
        _goods(market)
        channels.switch_on(settings)
    _close_engines(market.app)
    return market.skus


def _close_engines(app: Flask) -> None:
    from kameng.db import db

    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def _stations(market: Market) -> None:
    from kameng.db import db, main_scope
    from kameng.identity import api as identity
    from kameng.stations import api as stations

    with main_scope(reason="test"):
        stations.create_main_station(
            "晴选数卡", tagline="主站直营", notice="今晚 23:00 维护", contact={"icp": "浙ICP备1号"}
        )
        for number, slug, name, theme in (
            (2, "yehang", "夜航电玩", "ye"),
            (3, "sudan", "素单", "su"),
        ):
            market.owner.execute(
                "INSERT INTO station(id, parent_id, path, slug, name, state, theme)"
                " VALUES (%s, 1, %s, %s, %s, 'active', %s)", (number, [1, number], slug, name, theme)
            )  # fmt: skip
            market.owner.execute(
                "INSERT INTO host(host, station_id, kind) VALUES (%s, %s, 'subdomain')",
                (f"{slug}.localhost", number),
            )
            identity.seed_roles(number)
        market.owner.execute("SELECT setval(pg_get_serial_sequence('station', 'id'), 50)")
        db.session.commit()
        login, password = market.owner_login
        identity.create_staff(2, login, "沈一舟", password, "owner", with_totp=False)
        stations.forget_hosts()


def _goods(market: Market) -> None:
    from kameng.catalog import api as catalog
    from kameng.db import main_scope
    from kameng.pricing import api as pricing
    from kameng.stock import api as stock

    with main_scope(reason="test"):
        games = catalog.create_category("games", "游戏点卡", "device-gamepad-2")
        phones = catalog.create_category("phones", "话费充值", "device-mobile")
        _product(market, games, "xinghai", "星海点券", "card", {"XH30": 28_9000, "XH100": 95_5000})
        _product(market, games, "lone", "孤品", "card", {"LONE": 10_0000})
        _product(market, games, "empty", "空池", "card", {"EMPTY": 10_0000})
        phone = _product(market, phones, "phone", "全国话费", "top_up", {"P100": 98_6000})
        catalog.save_fields(
            phone, [catalog.FieldRule("phone", "充值手机号", "phone", True, "", "", ())]
        )
        pricing.reprice()
        for code, count in (("XH30", 40), ("XH100", 40), ("LONE", 1)):
            lines = "".join(f"{code}N{n:04d}----{code}-SECRET-{n:04d}\n" for n in range(count))
            stock.import_cards(market.skus[code], lines.encode(), f"{code}.txt", "test")


def _product(
    market: Market, category: int, slug: str, name: str, kind: str, prices: dict[str, int]
) -> int:
    from kameng.catalog import api as catalog

    product = catalog.create_product(
        slug, name, category, kind, state="on_sale", summary="测试商品", how_to_use="第一步\n第二步",
        cover={"hue": 255, "glyph": "coin", "title": "100元", "note": "点券", "pattern": 0},
    )  # fmt: skip
    for code, cost in prices.items():
        market.skus[code] = catalog.create_sku(
            product, code, f"{code} 元", cost=cost, face_value=cost * 2
        )
    return int(product)
