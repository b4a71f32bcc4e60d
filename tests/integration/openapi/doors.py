"""The docks of 卡速售 and 卡卡云: a door each, and requests as their programs sign them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.integration.openapi.docking import HOME, Dock, Key

from kameng_supplier_kakayun.signing import sign as kakayun_sign


@dataclass(frozen=True)
class Door:
    """Hands for tests of one dialect."""

    shop: Dock
    dialect: str

    def key(self, balance: int = 0, **changes: Any) -> Key:
        return self.shop.key(self.dialect, balance, **changes)

    def cards(self, count: int) -> int:
        """A SKU with real cards in its pool; its id."""
        return self.shop.goods(cards=count)

    def top_up(self) -> int:
        """A SKU that asks for an account and a region; a person fulfils it."""
        sku = self.shop.goods("top_up")
        self.shop.asks_for(sku, "account", "充值账号", "account")
        self.shop.asks_for(sku, "realm", "游戏大区", required=False)
        return sku

    def orders_of(self, key: Key) -> int:
        return self.shop.orders(key.member)

    def post(self, path: str, body: bytes, headers: Mapping[str, str], **how: Any) -> Any:
        """Send it as it is; `method` and `ip` may be others."""
        return self.shop.send(
            how.get("method", "POST"), f"/dock/{self.dialect}/{path}", data=body,
            headers=dict(headers), environ_base={"REMOTE_ADDR": how.get("ip", HOME)},
        )  # fmt: skip


def kasushou_request(key: Key, fields: Mapping[str, Any] | bytes, age_s: float = 0) -> Any:
    """Body and headers, made as the papers of 卡速售 say."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    stamp = str(int((time.time() - age_s) * 1000))
    sign = hashlib.sha1(stamp.encode() + body + key.secret.encode()).hexdigest()
    return body, {"UserId": key.key_id, "Timestamp": stamp, "Sign": sign}


def kakayun_request(key: Key, fields: Mapping[str, Any], age_s: float = 0) -> bytes:
    """The body, signed by our own client of 卡卡云."""
    params = {**fields, "userid": key.key_id, "timestamp": int(time.time() - age_s)}
    return json.dumps({**params, "sign": kakayun_sign(params, key.secret)}).encode()
