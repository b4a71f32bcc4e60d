"""Hands on accounts at a gateway, for tests of choosing, of stations that collect themselves."""

from __future__ import annotations

from typing import Any

import httpx

from kameng.db import station_scope

MAIN, DEER = 1, 3
EPAY = "payment-epay"


class Till:
    """Hands on the accounts of the main station and of Deer."""

    def __init__(self, shop: Any, street: dict[str, Any]) -> None:
        self.shop, self.street = shop, street
        self.config = street[EPAY].demo_config()

    def account(self, name: str = "", station: int = MAIN, /, **changes: Any) -> None:
        """An account that is configured and switched on."""
        from kameng.plugins import api as plugins

        with self.shop.app.app_context():
            if name:
                plugins.add_account(station, EPAY, name, "test")
            plugins.configure(station, EPAY, {**self.config, **changes}, "test", name)
            plugins.set_enabled(station, EPAY, True, "test", name)

    def terms(self, name: str = "", station: int = MAIN, /, **values: Any) -> None:
        from kameng.payments.api import Terms, set_terms

        with self.shop.app.app_context():
            set_terms(station, EPAY, name, f"account {name}", Terms(**values), "staff:1")

    def start(self, placed: Any = None, **given: Any) -> tuple[Any, Any]:
        """Place an order and start to pay; a refusal is answered by its code."""
        from kameng.payments.api import PaymentRefused
        from kameng.payments.api import start as start_payment

        placed = placed or self.shop.place(self.shop.sku(cards=1))
        given = {"return_url": "http://deer.localhost/o"} | given
        with self.shop.app.app_context(), station_scope(DEER):
            try:
                return placed, start_payment(placed.order_no, EPAY, "alipay", "192.0.2.9", **given)
            except PaymentRefused as refusal:
                return placed, refusal.code

    def methods(self, payable: int = 98_6100, **given: Any) -> dict[str, Any]:
        from kameng.payments.api import methods

        with self.shop.app.app_context(), station_scope(DEER):
            return {view.way: view for view in methods(DEER, payable, None, **given)}

    def used(self, order_id: int) -> list[tuple[int, str, str]]:
        rows = self.shop.owner.execute(
            "SELECT account_station_id, account, state FROM payment_attempt"
            " WHERE order_id = %s ORDER BY id",
            (order_id,),
        )
        return [tuple(row) for row in rows.fetchall()]

    def break_gateway(self, on: bool = True) -> None:
        levers = {"fail_percent": "100" if on else "0", "fail_when": "after"}
        httpx.post(f"{self.street['url']}/epay/control/settings", data=levers)

    def pay(self, attempt_no: str, station: int = DEER) -> str:
        """The shopper pays; the product asks."""
        from kameng.payments.api import query_attempt

        lever = f"{self.street['url']}/epay/control/out:{attempt_no}/pay"
        assert httpx.post(lever).status_code == 200
        found = self.shop.one("SELECT id FROM payment_attempt WHERE attempt_no = %s", attempt_no)
        with self.shop.app.app_context():
            return query_attempt(station, found)

    def alerts(self) -> list[tuple[str, str]]:
        rows = self.shop.owner.execute(
            "SELECT subject, state FROM alert WHERE kind = 'payment_account' ORDER BY id"
        )
        return [tuple(row) for row in rows.fetchall()]
