"""The V4 open API: form POST to `/plugin/open-api/…`, account and MD5 in the headers."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from kameng_sdk.context import CallContext
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    Delivery,
    Offer,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)

from .account import StoreAccount
from .goods import CARD, KINDS, TOP_UP, Sku
from .reading import (
    cards_of,
    count_of,
    data_of,
    envelope,
    listed,
    message_of,
    money_of,
    ok,
    refuse_if_sure,
    text_of,
    widget_fields,
)
from .signing import sign

FORM = "application/x-www-form-urlencoded"
# Our number, and whether cards or a top-up were bought: the store's answers do not say it.
TRADE_NO = re.compile(r"(?P<no>[0-9]{1,23})(?P<way>[ct])")
WAITING, DONE = "0", "1"
NO_ORDER = "订单不存在"


class V4:
    """One store of version 4. Its orders are found by our own number."""

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.STOCK
        | SupplierCapability.QUERY
        | SupplierCapability.BALANCE
        | SupplierCapability.CALLBACK
        | SupplierCapability.CODES
        | SupplierCapability.TOP_UP
    )
    # The server's source is closed: nobody has shown that trade_no is unique there, or how soon
    # an order can be found.
    rules = SupplierRules(number_is_idempotent=False, not_found_means_nothing_s=None)

    def __init__(self, account: StoreAccount) -> None:
        self._account = account

    def call(
        self,
        ctx: CallContext,
        path: str,
        fields: Mapping[str, str],
        timeout_s: float | None = None,
    ) -> dict[str, object]:
        """Send exactly the signed form; raises `HttpOutcomeUnknown`."""
        account = self._account
        headers = {
            "Content-Type": FORM,
            "Api-Id": account.app_id,
            "Api-Signature": sign(fields, account.app_key.reveal()),
        }
        url = f"{account.base_url}/plugin/open-api/{path}"
        return envelope(
            ctx.http.request(
                "POST", url, content=urlencode(fields).encode(), headers=headers,
                timeout_s=timeout_s,
            )
        )  # fmt: skip

    def offers(self, ctx: CallContext) -> list[Offer]:
        """The whole catalogue, which comes in one answer."""
        return [
            offer
            for item in listed(self.call(ctx, "items", {}))
            if isinstance(item, dict)
            for offer in _offers(item)
        ]

    def balance(self, ctx: CallContext) -> Money | None:
        """None when it is not told."""
        return money_of(data_of(self.call(ctx, "connect", {})).get("balance"))

    def price(self, ctx: CallContext, request: PurchaseRequest) -> object:
        """What all pieces cost now."""
        sku = Sku.parse(request.sku_ref)
        if sku is None:
            return None
        asked = {"sku_id": sku.code, "quantity": str(request.quantity)}
        answer = self.call(ctx, "amount", asked, timeout_s=6)
        refuse_if_sure(answer)
        return data_of(answer).get("amount")

    def buy(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """The one request that buys. Raises `Declined`."""
        sku = Sku.parse(request.sku_ref) or Sku(CARD, request.sku_ref)
        number = f"{request.purchase_no}{sku.way}"
        trade = {"sku_id": sku.code, "quantity": str(request.quantity), "trade_no": number}
        if request.notify_url:
            trade["async_url"] = request.notify_url
        answer = self.call(ctx, "trade", {**request.inputs, **trade})
        if not ok(answer):
            refuse_if_sure(answer)
            message = message_of(answer) or "对方的回答无法理解"
            return PurchaseResult(outcome=Outcome.UNKNOWN, message=message)
        return _read(data_of(answer), number)

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By our number; without `supplier_ref` under both names it may have over there."""
        known = TRADE_NO.fullmatch(supplier_ref)
        ways = known["way"] if known else CARD + TOP_UP
        for way in ways:
            found = self._order(ctx, f"{purchase_no}{way}")
            if found is not None:
                return found
        return PurchaseResult(
            outcome=Outcome.UNKNOWN, supplier_ref=supplier_ref, found=False, message=NO_ORDER
        )

    def _order(self, ctx: CallContext, number: str) -> PurchaseResult | None:
        answer = self.call(ctx, "query", {"trade_no": number})
        if not ok(answer) and message_of(answer).startswith(NO_ORDER):
            return None
        return _read(data_of(answer), number)


def _offers(item: Mapping[str, object]) -> Iterator[Offer]:
    category, skus = item.get("category"), item.get("sku")
    fields = tuple(widget_fields(item.get("widget")))
    way = TOP_UP if fields else CARD
    rows = [sku for sku in skus if isinstance(sku, dict)] if isinstance(skus, list) else []
    for row in rows:
        cost, name = money_of(row.get("stock_price")), text_of(item, "name")
        if cost is None or not name or not text_of(row, "id"):
            continue
        yield Offer(
            sku_ref=Sku(way, text_of(row, "id")).ref,
            name=f"{name} {text_of(row, 'name')}".strip(),
            cost=cost,
            kind=KINDS[way],
            category=text_of(category, "name") if isinstance(category, dict) else "",
            # A text instead of a number ("plenty") says nothing.
            stock=count_of(row, "stock"),
            fields=fields,
        )


def _read(data: Mapping[str, object], number: str) -> PurchaseResult:
    """An order, as the answer to a purchase or a question: contents without state are final."""
    contents, cost = text_of(data, "contents"), money_of(data.get("amount"))
    state = text_of(data, "status") or (DONE if contents else WAITING)
    if state == WAITING:
        return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=number, cost=cost)
    deliveries = _deliveries(contents, number) if state == DONE else None
    if not deliveries:
        message = f"对方订单状态异常（{state[:20]}）或内容不是卡密，请人工核对"
        return PurchaseResult(
            outcome=Outcome.UNKNOWN, supplier_ref=number, cost=cost, message=message
        )
    return PurchaseResult(
        outcome=Outcome.SUCCEEDED, supplier_ref=number, deliveries=deliveries, cost=cost
    )


def _deliveries(contents: str, number: str) -> list[Delivery] | None:
    if number.endswith(TOP_UP):
        return [Delivery(note=contents[:200] or "充值成功")]
    return cards_of(contents)
