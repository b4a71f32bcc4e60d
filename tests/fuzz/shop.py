"""The shop that is fuzzed: goods in every state, members rich and poor, live and sandbox keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.integration.openapi.docking import DEER, Dock, Key, new_number

from kameng.db import main_scope

from .signers import native
from .truth import Truth
from .wire import Line, Sent

DIALECTS = ("acg-shared", "dujiao-next", "kasushou", "kakayun")
RICH, POOR = 10**12, 10_0000
FEW = 20


@dataclass
class Known:
    """Values that exist, so that requests reach behind the first refusal."""

    skus: dict[str, int] = field(default_factory=dict)  # code: id
    numbers: list[str] = field(default_factory=list)  # merchants' own
    orders: list[str] = field(default_factory=list)  # ours


@dataclass
class FuzzedShop:
    """Everything that a run needs."""

    dock: Dock
    line: Line
    cards: int  # of the good that does not run out
    truth: Truth
    keys: dict[str, list[Key]] = field(default_factory=dict)  # by dialect: live, poor, sandbox
    known: Known = field(default_factory=Known)

    def build(self) -> None:
        """Goods, keys, and a few orders of every key of the native interface."""
        self.dock.build()
        self._goods()
        rich, poor = self.dock.member(DEER, RICH), self.dock.member(DEER, POOR)
        self.dock.behind("UPDATE member SET created_at = now() - interval '30 days'")
        for dialect in ("native", *DIALECTS):
            self.keys[dialect] = [
                self._key(dialect, member=rich), self._key(dialect, member=poor),
                self._key(dialect, member=rich, sandbox=True),
            ]  # fmt: skip
        for key in self.keys["native"]:
            for code in list(self.known.skus)[:2]:
                self.bought(key, code)

    def bought(self, key: Key, code: str) -> None:
        """An order of one piece, if the key can have it; its numbers are known from then on."""
        number = new_number()
        inputs = {"phone": "13800136021"} if code == list(self.known.skus)[1] else {}
        body = {"sku": code, "quantity": 1, "merchant_order_no": number, "inputs": inputs}
        sent = Sent("POST", b"/api/v1/orders", json.dumps(body).encode())
        answer = self.line.carry(sent, native(key, sent))
        self.known.numbers.append(number)
        if answer.status == 201:
            self.known.orders.append(answer.json["order_no"])

    def _goods(self) -> None:
        dock = self.dock
        cards, top_up = dock.goods(cards=self.cards), dock.goods("top_up")
        dock.asks_for(top_up, "phone", "手机号")
        few, none, by_hand = dock.goods(cards=FEW), dock.goods(), dock.goods("manual")
        off, gone = dock.goods(cards=FEW), dock.goods(cards=FEW)
        dock.behind("UPDATE sku SET state = 'off_sale' WHERE id = %s", off)
        dock.behind(
            "UPDATE product SET state = 'off_sale' WHERE id ="
            " (SELECT product_id FROM sku WHERE id = %s)", gone,
        )  # fmt: skip
        for number in (cards, top_up, few, none, by_hand, off, gone):
            self.known.skus[dock.one("SELECT code FROM sku WHERE id = %s", number)] = number

    def _key(self, dialect: str, **given: Any) -> Key:
        from kameng.openapi import api

        key = self.dock.key(dialect, **given)
        with self.dock.app.app_context(), main_scope(reason="test"):
            number = self.dock.one("SELECT id FROM api_key WHERE key_id = %s", key.key_id)
            api.set_limit(DEER, number, 1_000_000, "test")
        return key
