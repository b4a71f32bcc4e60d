"""The stand-in as a whole: one warehouse behind the doors of both flavours."""

import secrets
from collections.abc import Mapping

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_supplier_yile.account import COMMUNITY

from .community import CommunityDoor
from .goods import GOODS
from .sup import SupDoor

BUYS = frozenset({"order", "Goods/Buy"})


class YileSimulator(SupplierSimulator):
    """Neither flavour has a number of the buyer: the same purchase sent twice is two."""

    name, title, goods, idempotent = "yile", "亿乐", GOODS, False

    def __init__(self, environment: SimulatorEnvironment) -> None:
        super().__init__(environment)
        self._app_id = self.store.keep_first("app_id", str(10_000 + secrets.randbelow(90_000)))
        self._secret = self.store.keep_first("secret", secrets.token_hex(16))
        self._community = CommunityDoor(self.warehouse, self._app_id, self._secret)
        self._sup = SupDoor(self.warehouse, self._app_id, self._secret)

    def rules(self) -> list[Rule]:
        return [
            Rule("/api/<path:call>", endpoint="community", methods=["POST"]),
            Rule("/openapi/customer/<path:call>", endpoint="sup", methods=["GET", "POST"]),
        ]

    def views(self) -> Mapping[str, View]:
        return {
            "community": lambda request, call: self._answer(self._community, request, call),
            "sup": lambda request, call: self._answer(self._sup, request, call),
        }

    def _answer(self, door: CommunityDoor | SupDoor, request: Request, call: str) -> Response:
        return self.lying(lambda: door.answer(request, call), buys=call in BUYS)

    def callback(self, order: Order, *, forged: bool) -> Callback:
        """There are none: no buyer can give an address. Never asked for."""
        return Callback("POST", order.notify_url)

    def system_error(self) -> Response:
        return answer_json({"status": 1, "code": 500, "message": "系统繁忙，请稍后再试"})

    def demo_config(self) -> dict[str, str | int | bool]:
        """For a community; `flavour` sup serves the other door with the same keys."""
        return {
            "base_url": self.base_url,
            "flavour": COMMUNITY,
            "app_id": self._app_id,
            "secret": self._secret,
        }
