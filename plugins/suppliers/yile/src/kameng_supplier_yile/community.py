"""亿乐社区: form POST to `/api/…`, MD5 over the form. No balance, no own order number."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    Offer,
    OfferField,
    OfferKind,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
)

from .account import YileAccount
from .orders import COMMUNITY_WORDS, Ref, read_order
from .reading import cards_of, json_object, message_of, money_of, text_of, whole
from .signing import form_sign

FORM = "application/x-www-form-urlencoded"
VALUE = re.compile(r"value[1-9][0-9]?")
WITH_CARDS = "购买卡密"


class Community:
    """One community's API."""

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.QUERY
        | SupplierCapability.CODES
        | SupplierCapability.TOP_UP
    )

    def __init__(self, account: YileAccount) -> None:
        self._account = account

    def ok(self, answer: Mapping[str, object]) -> bool:
        """Status 0, as number or text."""
        return text_of(answer, "status") == "0"

    def call(
        self, ctx: CallContext, path: str, fields: Mapping[str, str], timeout_s: float | None = None
    ) -> dict[str, object]:
        """Send exactly the signed form; raises `HttpOutcomeUnknown`."""
        account = self._account
        form = {
            **fields,
            "api_token": account.app_id,
            "timestamp": str(int(ctx.clock.now().timestamp())),
        }
        form["sign"] = form_sign(form, account.secret.reveal())
        return json_object(
            ctx.http.request(
                "POST", f"{account.base_url}/api/{path}", content=urlencode(form).encode(),
                headers={"Content-Type": FORM}, timeout_s=timeout_s,
            )
        )  # fmt: skip

    def goods(self, ctx: CallContext) -> list[object]:
        """The goods' numbers and names; their prices are on `show`."""
        answer = self.call(ctx, "goods/list", {})
        listed = answer.get("data")
        if not self.ok(answer) or not isinstance(listed, list):
            raise HttpOutcomeUnknown("the answer is no list of goods")
        return listed

    def number_of(self, goods: Mapping[str, object]) -> int | None:
        """The number that is bought by."""
        return whole(goods, "gid")

    def show(self, ctx: CallContext, sku_ref: str) -> dict[str, object] | None:
        """One of the goods; None when they are not for us."""
        answer = self.call(ctx, "goods/info", {"gid": sku_ref}, timeout_s=6)
        found = answer.get("data")
        return found if self.ok(answer) and isinstance(found, dict) else None

    def offer(self, goods: Mapping[str, object]) -> Offer | None:
        """None when the price or name cannot be read. It asks nothing: then it is a card."""
        cost, name = money_of(goods.get("price")), text_of(goods, "name")
        if cost is None or not name:
            return None
        fields = tuple(_fields(goods.get("inputs")))
        return Offer(
            sku_ref=text_of(goods, "gid"),
            name=name,
            cost=cost,
            kind=OfferKind.TOP_UP if fields else OfferKind.CARD,
            on_sale=text_of(goods, "close") != "1",
            minimum=max(1, whole(goods, "limit_min") or 1),
            maximum=whole(goods, "limit_max") or None,
            fields=fields,
        )

    def buy(self, ctx: CallContext, request: PurchaseRequest) -> dict[str, object]:
        """The one request that buys."""
        values = {name: text for name, text in request.inputs.items() if VALUE.fullmatch(name)}
        asked = {"gid": request.sku_ref, "num": str(request.quantity)}
        return self.call(ctx, "order", {**values, **asked})

    def bought(self, answer: Mapping[str, object], kind: OfferKind) -> PurchaseResult:
        """An accepted purchase: cards come at once, all else is done later."""
        number = text_of(answer, "id")
        if not number:
            return PurchaseResult(outcome=Outcome.UNKNOWN, message="对方没有给出订单号")
        ref = str(Ref(number, kind is OfferKind.CARD))
        if WITH_CARDS not in message_of(answer):
            return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=ref)
        cards = cards_of(answer.get("data"))
        if not cards:
            return PurchaseResult(
                outcome=Outcome.UNKNOWN, supplier_ref=ref, message="对方已下单，但卡密无法读取"
            )
        return PurchaseResult(outcome=Outcome.SUCCEEDED, supplier_ref=ref, deliveries=cards)

    def order(self, ctx: CallContext, ref: Ref) -> PurchaseResult | None:
        """None: there is no such order."""
        answer = self.call(ctx, "order/query", {"id": ref.number})
        found = answer.get("data")
        if not self.ok(answer):
            if "不存在" in message_of(answer):
                return None
            raise HttpOutcomeUnknown(message_of(answer))
        if not isinstance(found, dict) or text_of(found, "id") not in ("", ref.number):
            raise HttpOutcomeUnknown("the answer is about another order")
        return read_order(COMMUNITY_WORDS, found, ref)

    def balance(self, ctx: CallContext) -> Money | None:
        """There is no such call; that we are known is seen by the list."""
        self.goods(ctx)
        return None


def _fields(inputs: object) -> list[OfferField]:
    """`[[title, placeholder, name], …]` in the order of value1, value2 …"""
    rows = inputs if isinstance(inputs, list) else []
    return [
        OfferField(name=f"value{number}", label=str(row[0])[:100])
        for number, row in enumerate(rows, 1)
        if isinstance(row, list) and row
    ]
