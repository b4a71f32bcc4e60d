"""亿乐 SUP: JSON POST to `/openapi/customer/…`, token in the headers. No own order number."""

import json
from collections.abc import Mapping

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
from .orders import SUP_WORDS, Ref, read_order
from .reading import cards_of, json_object, message_of, money_of, text_of, whole
from .signing import app_token

PREFIX = "/openapi/customer/"
ON_SALE = 4
CLOSED = "1"


class Sup:
    """One SUP account's API."""

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.STOCK
        | SupplierCapability.QUERY
        | SupplierCapability.BALANCE
        | SupplierCapability.CODES
        | SupplierCapability.TOP_UP
    )

    def __init__(self, account: YileAccount) -> None:
        self._account = account

    def ok(self, answer: Mapping[str, object]) -> bool:
        """Code 0, as number or text."""
        return text_of(answer, "code") == "0"

    def call(
        self, ctx: CallContext, name: str, body: object = None, timeout_s: float | None = None
    ) -> dict[str, object]:
        """A POST of `body`, or a GET without one; raises `HttpOutcomeUnknown`."""
        account, path = self._account, PREFIX + name
        timestamp = str(int(ctx.clock.now().timestamp()))
        headers = {
            "AppId": account.app_id,
            "AppTimestamp": timestamp,
            "AppToken": app_token(account.app_id, account.secret.reveal(), path, timestamp),
            "Content-Type": "application/json; charset=UTF-8",
        }
        return json_object(
            ctx.http.request(
                "GET" if body is None else "POST", account.base_url + path, headers=headers,
                content=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
                timeout_s=timeout_s,
            )
        )  # fmt: skip

    def goods(self, ctx: CallContext) -> list[object]:
        """All goods at once; what they ask for is on `show`."""
        answer = self.call(ctx, "Goods/List", {})
        listed = answer.get("data")
        if not self.ok(answer) or not isinstance(listed, list):
            raise HttpOutcomeUnknown("the answer is no list of goods")
        return listed

    def number_of(self, goods: Mapping[str, object]) -> int | None:
        """The number that is bought by."""
        return whole(goods, "id")

    def show(self, ctx: CallContext, sku_ref: str) -> dict[str, object] | None:
        """One of the goods; None when they are not for us."""
        if not sku_ref.isdecimal():
            return None
        answer = self.call(ctx, "Goods/Show", {"goods_id": int(sku_ref)}, timeout_s=6)
        found = answer.get("data")
        return found if self.ok(answer) and isinstance(found, dict) else None

    def offer(self, goods: Mapping[str, object]) -> Offer | None:
        """None when the price or name cannot be read. It asks nothing: then it is a card."""
        cost, name = money_of(goods.get("price")), text_of(goods, "name")
        if cost is None or not name:
            return None
        fields, stock = tuple(_fields(goods.get("buy_params"))), whole(goods, "stock")
        return Offer(
            sku_ref=text_of(goods, "id"),
            name=name,
            cost=cost,
            kind=OfferKind.TOP_UP if fields else OfferKind.CARD,
            category=text_of(goods, "goods_category_name"),
            stock=None if stock is None or stock < 0 else stock,
            on_sale=whole(goods, "status") == ON_SALE and text_of(goods, "is_close") != CLOSED,
            minimum=max(1, whole(goods, "buy_min_limit") or 1),
            maximum=whole(goods, "buy_max_limit") or None,
            fields=fields,
        )

    def buy(self, ctx: CallContext, request: PurchaseRequest) -> dict[str, object]:
        """The one request that buys."""
        body = {
            "goods_id": int(request.sku_ref),
            "buy_number": request.quantity,
            "buy_params": dict(request.inputs),
        }
        return self.call(ctx, "Goods/Buy", body)

    def bought(self, answer: Mapping[str, object], kind: OfferKind) -> PurchaseResult:
        """An accepted purchase: cards come at once or later, by a query."""
        found = answer.get("data")
        data: dict[str, object] = found if isinstance(found, dict) else {}
        number, cost = text_of(data, "id"), money_of(data.get("amount"))
        if not number:
            return PurchaseResult(outcome=Outcome.UNKNOWN, message="对方没有给出订单号")
        ref = str(Ref(number, kind is OfferKind.CARD))
        if not data.get("buy_card_code_list"):
            return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=ref, cost=cost)
        cards = cards_of(data["buy_card_code_list"])
        if not cards:
            return PurchaseResult(
                outcome=Outcome.UNKNOWN, supplier_ref=ref, cost=cost,
                message="对方已下单，但卡密无法读取",
            )  # fmt: skip
        return PurchaseResult(
            outcome=Outcome.SUCCEEDED, supplier_ref=ref, deliveries=cards, cost=cost
        )

    def order(self, ctx: CallContext, ref: Ref) -> PurchaseResult | None:
        """None: there is no such order."""
        number: object = int(ref.number) if ref.number.isdecimal() else ref.number
        answer = self.call(ctx, "Order/Show", {"ids": [number]})
        found = answer.get("data")
        if not self.ok(answer) or not isinstance(found, list):
            raise HttpOutcomeUnknown(message_of(answer) or "the answer is no list of orders")
        if not found:
            return None
        order = found[0]
        if not isinstance(order, dict) or text_of(order, "id") != ref.number:
            raise HttpOutcomeUnknown("the answer is about another order")
        return read_order(SUP_WORDS, order, ref)

    def balance(self, ctx: CallContext) -> Money | None:
        """Raises `HttpOutcomeUnknown` when the answer has none."""
        answer = self.call(ctx, "CustomerAccount/Show")
        found = answer.get("data")
        money = money_of(found.get("balance")) if isinstance(found, dict) else None
        if not self.ok(answer) or money is None:
            raise HttpOutcomeUnknown(message_of(answer) or "the answer has no balance")
        return money


def _fields(params: object) -> list[OfferField]:
    """`[{key, name, type, type_config}, …]`; types 3 and 5 are choices, joined by commas."""
    rows = params if isinstance(params, list) else []
    return [_field(row) for row in rows if isinstance(row, dict) and text_of(row, "key")]


def _field(row: Mapping[str, object]) -> OfferField:
    choices = text_of(row, "type_config") if whole(row, "type") in (3, 5) else ""
    return OfferField(
        name=text_of(row, "key"),
        label=text_of(row, "name").rstrip("：:"),
        choices=tuple(choice for choice in choices.split(",") if choice),
    )
