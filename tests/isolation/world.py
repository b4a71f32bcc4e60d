"""Two stations of the market with people, orders, keys and money of their own."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import plant

if TYPE_CHECKING:
    from flask.testing import FlaskClient

BANK, PNG = "payment-bank-transfer", b"\x89PNG\r\n\x1a\n"
PASSWORD = "station-pass-2026"
MEMBERS_PASSWORD = "a-long-pass-1"  # the market's hands register with it
DIALECTS = ("native", "acg-shared", "dujiao-next", "kasushou", "kakayun")
MAIN, A, B = 1, 2, 3
HOSTS = {MAIN: "main.localhost", A: "yehang.localhost", B: "sudan.localhost"}


@dataclass(frozen=True)
class Key:
    """A member's key for programs."""

    key_id: str
    secret: str = field(repr=False)


@dataclass
class Station:
    """A station, whose people are signed in."""

    id: int
    buyer: FlaskClient
    owner: FlaskClient
    member: int = 0
    keys: dict[str, Key] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)  # shown once, or sealed

    @property
    def base(self) -> str:
        return f"http://{HOSTS[self.id]}:8000"


@dataclass
class World:
    """The market, and its stations as they were made and marked."""

    market: Any
    stations: dict[int, Station] = field(default_factory=dict)
    planted: dict[int, plant.Planted] = field(default_factory=dict)
    empty: dict[int, list[str]] = field(default_factory=dict)

    def build(self) -> None:
        """Settle A and B; fill what the product left empty; put the marks."""
        for number in (A, B):
            self._settle(number)
        owner = self.market.owner
        owner.execute("INSERT INTO recovery(restored_to, state) VALUES (now(), 'ended')")
        owner.execute("INSERT INTO supplier(code, name, state) VALUES ('far', '远方', 'active')")
        for number in (A, B):
            with owner.transaction():
                self.empty[number] = plant.fill(owner, number)
                self.planted[number] = plant.mark(owner, number)
                owner.execute(
                    "UPDATE payment_proof SET content = content || %s::bytea WHERE station_id = %s",
                    (self.planted[number].mark.encode(), number),
                )
        self._forget()

    def browser(self, address: str) -> FlaskClient:
        """A browser at an address of its own: registering is limited by address."""
        browser: FlaskClient = self.market.browser()
        browser.environ_base["REMOTE_ADDR"] = address
        return browser

    def _forget(self) -> None:
        from kameng import epoch
        from kameng.stations import api as stations

        stations.forget_hosts()
        with self.market.app.app_context():
            epoch.renew()

    def _settle(self, number: int) -> None:
        address = f"198.51.100.{number}"
        made = Station(number, self.browser(address), self.browser(address))
        self.stations[number] = made
        made.member = self.market.member(
            made.buyer, f"buyer{number}@example.com", 900_0000, made.base
        )
        self._hire(made)
        self._configure(number)
        self._give_keys(made)
        self._trade(made)

    def _hire(self, made: Station) -> None:
        from kameng.db import main_scope
        from kameng.identity import api as identity

        with self.market.app.app_context(), main_scope(reason="test"):
            identity.create_staff(
                made.id, f"owner{made.id}", "店主", PASSWORD, "owner", with_totp=False
            )
        self.sign_in(made.owner, "/console/login", f"owner{made.id}", PASSWORD, made.base)

    def sign_in(
        self, browser: FlaskClient, door: str, login: str, password: str, base: str
    ) -> None:
        """Somebody of a station with a browser."""
        form = {"login": login, "password": password}
        answer = self.market.post(browser, door, form, base)
        assert answer.status_code == 303, answer.text[:300]

    def sign_in_again(self, made: Station) -> None:
        """Both people of a station, whatever their names are by now."""
        for browser, table, door in (
            (made.buyer, "member", "/login"), (made.owner, "staff", "/console/login"),
        ):  # fmt: skip
            browser._cookies.clear()
            login = self.market.owner.execute(
                f"SELECT login FROM {table} WHERE station_id = %s ORDER BY id LIMIT 1".encode(),
                (made.id,),
            ).fetchone()[0]
            password = PASSWORD if table == "staff" else MEMBERS_PASSWORD
            self.sign_in(browser, door, login, password, made.base)

    def _configure(self, number: int) -> None:
        """A bank account of its own, prepaid money for what it sells, and earnings."""
        from kameng.db import call
        from kameng.plugins import api as plugins

        market, attempt = self.market, f"prepaid{number}"
        config = {
            "bank": f"zq{number}canary银行",
            "holder": "店主",
            "account": "6214 8300 1122 3344",
        }
        with market.app.app_context():
            plugins.configure(number, BANK, config, "test")
            plugins.set_enabled(number, BANK, True, "test")
            market.owner.execute(
                "INSERT INTO payment_attempt(station_id, attempt_no, purpose, plugin_id, method, amount,"
                " state, expires_at) VALUES (%s, %s, 'prepaid', 'payment-epay', 'alipay', 5000000, 'sent',"
                " now() + interval '1 hour')",
                (number, attempt),
            )
            call(
                "apply_payment", as_main=True, p_station=number, p_attempt_no=attempt,
                p_plugin="payment-epay", p_amount=500_0000, p_currency="CNY", p_provider_ref=attempt,
                p_source="test", p_wait=False,
            )  # fmt: skip
        market.owner.execute(
            "SELECT _post('test:' || gen_random_uuid(), %s, NULL, NULL, NULL,"
            " ARRAY[_account(1, 'adjustment')], ARRAY[_account(%s, 'available')],"
            " ARRAY[5000000::bigint], ARRAY['adjust.adjustment'])",
            (number, number),
        )

    def _give_keys(self, made: Station) -> None:
        from kameng.db import station_scope
        from kameng.openapi import api as openapi
        from kameng.webhooks import api as webhooks

        with self.market.app.app_context(), station_scope(made.id):
            openapi.switch_dialect("acg-shared", True, "test")
            for dialect in DIALECTS:
                made.keys[dialect] = Key(
                    *openapi.make_key(made.member, name="键", dialect=dialect, actor="test")  # type: ignore[arg-type]  # one of the five
                )
            made.keys["sandbox"] = Key(
                *openapi.make_key(made.member, name="沙箱", sandbox=True, actor="test")
            )
            _number, secret = webhooks.add_endpoint(made.member, "https://hooks.example.com/a")
        made.secrets = {secret, *(key.secret for key in made.keys.values())}
        for key in made.keys.values():
            self._lift_limit(made.id, key)

    def _lift_limit(self, station: int, key: Key) -> None:
        from kameng.db import main_scope
        from kameng.openapi import api as openapi

        number = self.market.count("SELECT id FROM api_key WHERE key_id = %s", key.key_id)
        with self.market.app.app_context(), main_scope(reason="test"):
            openapi.set_limit(station, number, 1_000_000, "test")

    def _trade(self, made: Station) -> None:
        """A paid order with a refund request, one that waits for a transfer, one not paid."""
        from kameng.db import station_scope
        from kameng.openapi import api as openapi
        from kameng.openapi.domain.callers import Caller
        from kameng.payments import api as payments
        from kameng.settlement import api as settlement

        key = self.market.count("SELECT min(id) FROM api_key WHERE station_id = %s", made.id)
        caller = Caller(made.id, key, "KM", made.member, "native", False, frozenset(), 600, "", "")
        with self.market.app.app_context(), station_scope(made.id):
            paid = self._place("XH30", made.member)
            payments.pay_with_balance(paid, made.member)
            openapi.request_refund(caller, paid, amount=None, reason="退", request_no=f"R{made.id}")
            waiting = self._place("XH30", made.member)
            started = payments.start(
                waiting, BANK, "bank_transfer", "192.0.2.7", return_url="http://x/"
            )
            payments.add_proof(started.attempt_no, "image/png", PNG, "我付的", "192.0.2.7")
            self._place("P100", made.member, phone="13800136021")
            payee = {"account": f"zq{made.id}canary@example.com", "name": "店主"}
            settlement.request_withdrawal(made.id, 100_0000, "alipay", payee, "test", "w1")
            self._flash_sale()
        page = self._revealed(made, paid)
        made.secrets |= set(re.findall(r"XH30-SECRET-\d{4}", page))
        assert len(made.secrets) == 8, "the card of the order was not seen"

    def _flash_sale(self) -> None:
        from kameng.orders import api as orders
        from kameng.promotions import api as promotions

        now, price = datetime.now(UTC), orders.quote("XH100", 1).unit_price // 100 * 100
        terms = promotions.Terms("XH100", price, 2, now, now + timedelta(days=1))
        promotions.plan_sale(terms, "test")

    def _place(self, sku: str, member: int, **inputs: str) -> str:
        from kameng.orders import api as orders

        asked = orders.PlaceRequest(
            sku_code=sku, quantity=1, inputs=inputs, contact="a@example.com", ip="192.0.2.7",
            idempotency_key=secrets.token_hex(8), member_id=member,
            expected_payable=orders.quote(sku, 1).payable,
        )  # fmt: skip
        return str(orders.place(asked, ("allow", [])).order_no)

    def _revealed(self, made: Station, number: str) -> str:
        answer = self.market.post(made.buyer, f"/o/{number}/reveal", {"index": "all"}, made.base)
        return str(answer.text)
