"""Members with keys of a dialect, goods with real cards, and programs that send signed requests."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kameng.db import main_scope, station_scope
from kameng_supplier_kakayun.signing import sign as kakayun_sign

DEER = 3
HOST = "http://deer.localhost:8000"
HOME = "192.0.2.9"


@dataclass(frozen=True)
class Key:
    """A member's key; `shown`: its number in that system."""

    member: int
    shown: str
    secret: str = field(repr=False)


@dataclass
class Dock:
    """Hands for tests of one dialect at the station of the small shop."""

    shop: Any
    dialect: str

    def key(self, balance: int = 0, member: int = 0, **changes: Any) -> Key:
        from kameng.openapi import api

        member = member or self.shop.member(DEER, balance)
        with self.shop.app.app_context(), station_scope(DEER):
            shown, secret = api.make_key(
                member, name="test", dialect=self.dialect, actor="member", **changes
            )
        return Key(member, shown, secret)

    def cards(self, count: int) -> int:
        """A SKU with real cards in its pool; its id."""
        from kameng.stock import api as stock

        self.shop.owner.execute(
            "UPDATE data_key SET state = 'retired' WHERE purpose = 'card' AND wrapped = ''"
        )
        code = self.shop.sku()
        sku = self.id_of(code)
        lines = "".join(f"{code}N{n}----{code}-SECRET-{n}\n" for n in range(count))
        with self.shop.app.app_context(), main_scope(reason="test"):
            stock.import_cards(sku, lines.encode(), "cards.txt", "test")
        return sku

    def top_up(self) -> int:
        """A SKU that asks for an account and a region; a person fulfils it."""
        code = self.shop.sku(kind="top_up")
        for place, (name, label, kind, required) in enumerate(
            (("account", "充值账号", "account", True), ("realm", "游戏大区", "text", False))
        ):
            self.shop.owner.execute(
                "INSERT INTO purchase_field(product_id, name, label, kind, required, position)"
                " SELECT product_id, %s, %s, %s, %s, %s FROM sku WHERE code = %s",
                (name, label, kind, required, place, code),
            )
        return self.id_of(code)

    def id_of(self, code: str) -> int:
        return int(self.shop.one("SELECT id FROM sku WHERE code = %s", code))

    def orders_of(self, key: Key) -> int:
        return int(self.shop.one("SELECT count(*) FROM orders WHERE member_id = %s", key.member))

    def post(self, path: str, body: bytes, headers: Mapping[str, str], **how: Any) -> Any:
        """Send it as it is; `method` and `ip` may be others."""
        from kameng.stations import api as stations

        stations.forget_hosts()
        return self.shop.app.test_client().open(
            f"/dock/{self.dialect}/{path}", method=how.get("method", "POST"), data=body,
            headers=dict(headers), base_url=HOST,
            environ_base={"REMOTE_ADDR": how.get("ip", HOME)},
        )  # fmt: skip


def number() -> str:
    """A buyer's own number."""
    return f"P{secrets.token_hex(8)}"


def kasushou_request(key: Key, fields: Mapping[str, Any] | bytes, age_s: float = 0) -> Any:
    """Body and headers, made as the papers of 卡速售 say."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    stamp = str(int((time.time() - age_s) * 1000))
    sign = hashlib.sha1(stamp.encode() + body + key.secret.encode()).hexdigest()
    return body, {"UserId": key.shown, "Timestamp": stamp, "Sign": sign}


def kakayun_request(key: Key, fields: Mapping[str, Any], age_s: float = 0) -> bytes:
    """The body, signed by our own client of 卡卡云."""
    params = {**fields, "userid": key.shown, "timestamp": int(time.time() - age_s)}
    return json.dumps({**params, "sign": kakayun_sign(params, key.secret)}).encode()
