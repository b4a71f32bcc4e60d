"""Members with money and keys, for the open API."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from flask import Flask
from tests.integration.openapi.docking import Dock

from kameng.db import main_scope, station_scope
from kameng.openapi.domain.callers import SCOPES, Caller

DEER = 3


@dataclass
class Programs:
    """Hands for tests: members, their keys and what they buy."""

    shop: Any

    def caller(
        self, *, balance: int = 0, mode: str = "live", station: int = DEER, member: int = 0
    ) -> Caller:
        """A key of a member, who is made unless given."""
        member = member or self.shop.member(station, balance)
        key_id = f"KM{secrets.token_hex(8)}"
        number = self.shop.one(
            "INSERT INTO api_key(station_id, member_id, key_id, mode, name, scopes, created_by)"
            " VALUES (%s, %s, %s, %s, 'test', %s, 'test') RETURNING id",
            station, member, key_id, mode, list(SCOPES),
        )  # fmt: skip
        return Caller(
            station_id=station, api_key_id=number, key_id=key_id, member_id=member,
            dialect="native", sandbox=mode == "sandbox", scopes=frozenset(SCOPES), per_minute=600,
            callback_url="", ip="192.0.2.9",
        )  # fmt: skip

    def bought(self, caller: Caller, code: str = "", quantity: int = 1, **changes: Any) -> Any:
        """An order of the caller's member, paid from the wallet."""
        from kameng.payments.api import pay_with_balance

        code = code or self.shop.sku(cards=quantity)
        placed = self.shop.place(
            code, caller.station_id, quantity, member_id=caller.member_id, **changes
        )
        with self.shop.app.app_context(), station_scope(caller.station_id):
            pay_with_balance(placed.order_no, caller.member_id)
        return placed

    def inside(self, caller: Caller, use_case: Callable[..., Any], *args: Any, **given: Any) -> Any:
        """A use case as a request of the caller's program runs it."""
        with self.shop.app.app_context(), station_scope(caller.station_id):
            return use_case(caller, *args, **given)

    def as_main(self, use_case: Callable[..., Any], *args: Any, **given: Any) -> Any:
        """A use case as the console of the main station runs it."""
        with self.shop.app.app_context(), main_scope(reason="test"):
            return use_case(*args, **given)


@pytest.fixture
def dock(app: Flask, owner: psycopg.Connection[Any]) -> Dock:
    """The small shop with real cards, and its stations over HTTP."""
    made = Dock(app, owner)
    made.build()
    return made


@pytest.fixture
def programs(shop: Any) -> Programs:
    """The small shop, with keys."""
    return Programs(shop)
