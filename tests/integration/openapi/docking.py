"""A station with real cards and members with keys, for the tests of dialects."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.integration.conftest import DEER, JIANGNAN, MAIN, Shop

from kameng.db import main_scope, station_scope

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

HOSTS = {MAIN: "main", JIANGNAN: "jiangnan", DEER: "deer"}
HOME = "192.0.2.9"  # where programs are
PRICE = 98_6050  # of every SKU at the station of these tests


@dataclass(frozen=True)
class Key:
    """One key of a member."""

    member: int
    key_id: str
    secret: str = field(repr=False)


class Dock(Shop):
    """The small shop, whose cards can be read."""

    def build(self) -> None:
        for station, parent, path in ((1, None, [1]), (2, 1, [1, 2]), (3, 2, [1, 2, 3])):
            self.owner.execute(
                "INSERT INTO station(id, parent_id, path, slug, name, state)"
                " VALUES (%s, %s, %s, %s, %s, 'active') ON CONFLICT DO NOTHING",
                (station, parent, path, HOSTS[station], HOSTS[station].title()),
            )
            self.owner.execute(
                "INSERT INTO host(host, station_id, kind) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (f"{HOSTS[station]}.localhost", station, "main" if station == 1 else "subdomain"),
            )
        self.owner.execute(
            "INSERT INTO category(slug, name) VALUES ('games', '游戏') ON CONFLICT DO NOTHING"
        )
        from kameng.stations import api as stations

        stations.forget_hosts()

    def goods(self, kind: str = "card", cards: int = 0) -> int:
        """A SKU on sale with so many real cards; its id."""
        from kameng.stock import api as stock

        code = self.sku(kind)
        number = int(self.one("SELECT id FROM sku WHERE code = %s", code))
        if cards:
            lines = "".join(f"N{code}{n}----SECRET-{code}-{n}\n" for n in range(cards))
            with self.app.app_context(), main_scope(reason="test"):
                stock.import_cards(number, lines.encode(), f"{code}.txt", "test")
        return number

    def asks_for(
        self, sku_id: int, name: str, label: str, kind: str = "text", *, required: bool = True
    ) -> None:
        """The SKU's product has one field more."""
        self.owner.execute(
            "INSERT INTO purchase_field(product_id, name, label, kind, required, position)"
            " SELECT product_id, %s, %s, %s, %s,"
            "  (SELECT count(*) FROM purchase_field f WHERE f.product_id = s.product_id)"
            " FROM sku s WHERE id = %s",
            (name, label, kind, required, sku_id),
        )

    def key(self, dialect: str, balance: int = 1000_0000, **changes: Any) -> Key:
        """A key of a member, who is made unless given."""
        from kameng.openapi import api

        station = changes.pop("station", DEER)
        member = changes.pop("member", 0) or self.member(station, balance)
        values: dict[str, Any] = {
            "name": "test", "dialect": dialect, "sandbox": False, "actor": "test",
        }  # fmt: skip
        with self.app.app_context(), station_scope(station):
            if dialect == "acg-shared" and changes.pop("switched_on", True):
                api.switch_dialect(dialect, True, "test")
            return Key(member, *api.make_key(member, **(values | changes)))

    def behind(self, statement: str, *values: Any) -> None:
        """Change something behind the product's back, which then learns that it has changed."""
        from kameng import epoch

        self.owner.execute(statement, values)
        with self.app.app_context():
            epoch.renew()

    def orders(self, member: int) -> int:
        """How many orders a member has."""
        return int(self.one("SELECT count(*) FROM orders WHERE member_id = %s", member))

    def send(self, method: str, path: str, station: int = DEER, **options: Any) -> TestResponse:
        """A request as it comes over the line."""
        base = f"http://{HOSTS[station]}.localhost:8000"
        return self.app.test_client().open(path, method=method, base_url=base, **options)


def new_number() -> str:
    """A merchant's order number that nobody has used."""
    return hashlib.sha256(secrets.token_bytes(8)).hexdigest()[:16]
