"""The stand-in as a whole: one warehouse behind the doors of both flavours."""

import json
import secrets
from collections.abc import Mapping

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_supplier_acg_shared.account import SHARED

from .goods import GOODS
from .shared import SharedDoor
from .v4 import V4Door

BUYS = frozenset({"commodity/trade", "trade"})


class AcgSimulator(SupplierSimulator):
    """A number buys once behind both doors; only V4 can be asked by it, and sends notices."""

    name, title, goods = "acg-shared", "异次元共享店铺", GOODS

    def __init__(self, environment: SimulatorEnvironment) -> None:
        super().__init__(environment)
        self._app_id = self.store.keep_first("app_id", str(1 + secrets.randbelow(9_000)))
        self._key = self.store.keep_first("app_key", secrets.token_hex(8).upper())
        self._shared = SharedDoor(self.warehouse, self._app_id, self._key)
        self._v4 = V4Door(self.warehouse, self._app_id, self._key)

    def rules(self) -> list[Rule]:
        return [
            Rule("/shared/<path:call>", endpoint="shared", methods=["POST"]),
            Rule("/plugin/open-api/<path:call>", endpoint="v4", methods=["POST"]),
        ]

    def views(self) -> Mapping[str, View]:
        return {
            "shared": lambda request, call: self._answer(self._shared, request, call),
            "v4": lambda request, call: self._answer(self._v4, request, call),
        }

    def _answer(self, door: SharedDoor | V4Door, request: Request, call: str) -> Response:
        return self.lying(lambda: door.answer(request, call), buys=call in BUYS)

    def callback(self, order: Order, *, forged: bool) -> Callback:
        return self._v4.notice(order, forged=forged)

    def accepted(self, status: int, text: str) -> bool:
        """JSON with code 200."""
        try:
            answer = json.loads(text)
        except ValueError:
            return False
        return status == 200 and isinstance(answer, dict) and answer.get("code") == 200

    def system_error(self) -> Response:
        return answer_json({"code": 0, "msg": "连接失败, 疑似被对方防火墙拦截"})

    def demo_config(self) -> dict[str, str | int | bool]:
        """For a shared store; `flavour` v4 serves the other door with the same key."""
        return {
            "base_url": self.base_url,
            "flavour": SHARED,
            "app_id": self._app_id,
            "app_key": self._key,
        }
