"""The shared store's API: form POST to `/shared/…`, the key in the body, MD5 over the form."""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from kameng_sdk.context import CallContext
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import (
    Delivery,
    Offer,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)

from .account import StoreAccount
from .goods import CARD, MANUAL, Sku, read_catalogue
from .reading import (
    DUPLICATE,
    cards_of,
    data_of,
    envelope,
    listed,
    message_of,
    money_of,
    ok,
    refuse_if_sure,
    text_of,
)
from .signing import pairs, request_no, sign

FORM = "application/x-www-form-urlencoded"
SPECIFICATION = re.compile(r"sku\[(.+)\]")
REF = re.compile(r"(?P<no>[0-9A-Za-z]{1,32})\.(?P<way>[ctm])(?P<print>[0-9a-f]*)")
PAID = "1"
NO_ORDER = "订单不存在"

Form = dict[str, str | Mapping[str, str]]


class Shared:
    """One store of version 3. Its orders are found by its own number alone."""

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.STOCK
        | SupplierCapability.QUERY
        | SupplierCapability.BALANCE
        | SupplierCapability.CODES
        | SupplierCapability.TOP_UP
    )
    # request_no is a unique column and looked for inside the sale's serializable transaction (the
    # store's source). Not found proves nothing, as nobody can ask by it.
    rules = SupplierRules(number_is_idempotent=True, not_found_means_nothing_s=None)

    def __init__(self, account: StoreAccount) -> None:
        self._account = account

    def call(
        self, ctx: CallContext, path: str, fields: Form, timeout_s: float | None = None
    ) -> dict[str, object]:
        """Send exactly the signed form; raises `HttpOutcomeUnknown`."""
        account = self._account
        form = {**fields, "app_id": account.app_id, "app_key": account.app_key.reveal()}
        form["sign"] = sign(form, account.app_key.reveal())
        url, content = f"{account.base_url}/shared/{path}", urlencode(pairs(form)).encode()
        return envelope(
            ctx.http.request(
                "POST", url, content=content, headers={"Content-Type": FORM}, timeout_s=timeout_s
            )
        )

    def offers(self, ctx: CallContext) -> list[Offer]:
        """The whole catalogue, which comes in one answer."""
        return list(read_catalogue(listed(self.call(ctx, "commodity/items", {}))))

    def balance(self, ctx: CallContext) -> Money | None:
        """None when it is not told."""
        return money_of(data_of(self.call(ctx, "authentication/connect", {})).get("balance"))

    def price(self, ctx: CallContext, request: PurchaseRequest) -> object:
        """What all pieces cost now, with specifications."""
        sku = Sku.parse(request.sku_ref)
        if sku is None:
            return None
        asked: Form = {"code": sku.code, "num": str(request.quantity), "race": sku.race}
        answer = self.call(
            ctx, "commodity/valuation", {**asked, **_inputs(request), "card_id": "0"}, timeout_s=6
        )
        refuse_if_sure(answer)
        return data_of(answer).get("price")

    def buy(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """The one request that buys. Raises `Declined`."""
        sku = Sku.parse(request.sku_ref) or Sku(CARD, request.sku_ref)
        trade: Form = {
            "shared_code": sku.code,
            "num": str(request.quantity),
            # Older stores show it beside the order: a person finds a lost purchase by it.
            "contact": request.purchase_no,
            "card_id": "0",
            "device": "0",
            "password": "",
            "race": sku.race,
            "request_no": request_no(request.purchase_no),
        }
        answer = self.call(ctx, "commodity/trade", {**_inputs(request), **trade})
        if not ok(answer):
            refuse_if_sure(answer)
            return _doubt(answer)
        return _bought(data_of(answer), sku.way)

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By the store's number, which `supplier_ref` begins with."""
        ref = REF.fullmatch(supplier_ref)
        if ref is None:
            message = "对方只能用对方订单号查询，请到对方后台核对"
            return PurchaseResult(outcome=Outcome.UNKNOWN, message=message)
        answer = self.call(ctx, "commodity/query", {"tradeNo": ref["no"]})
        if not ok(answer) and message_of(answer).startswith(NO_ORDER):
            return PurchaseResult(
                outcome=Outcome.UNKNOWN, supplier_ref=supplier_ref, found=False, message=NO_ORDER
            )
        data = data_of(answer)
        secret = text_of(data, "secret")
        if text_of(data, "status") != PAID:
            return PurchaseResult(
                outcome=Outcome.UNKNOWN, supplier_ref=supplier_ref, message="对方订单未支付"
            )
        if ref["way"] == CARD:
            return _cards(secret, supplier_ref, None)
        if not secret or _print_of(secret) == ref["print"]:
            return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=supplier_ref)
        return PurchaseResult(
            outcome=Outcome.SUCCEEDED,
            supplier_ref=supplier_ref,
            deliveries=[_by_hand(ref["way"], secret)],
        )


def _inputs(request: PurchaseRequest) -> Form:
    """Shoppers' inputs: `sku[…]` under one name, the rest by their own."""
    matches = {name: SPECIFICATION.fullmatch(name) for name in request.inputs}
    form: Form = {name: request.inputs[name] for name, match in matches.items() if not match}
    chosen = {match[1]: request.inputs[name] for name, match in matches.items() if match}
    return {**form, "sku": chosen} if chosen else form


def _doubt(answer: Mapping[str, object]) -> PurchaseResult:
    message = message_of(answer) or "对方的回答无法理解"
    if message.startswith(DUPLICATE):
        message = "这个单号已经下过单，请到对方后台核对"
    return PurchaseResult(outcome=Outcome.UNKNOWN, message=message)


def _bought(data: Mapping[str, object], way: str) -> PurchaseResult:
    number, secret = text_of(data, "tradeNo"), text_of(data, "secret")
    cost = money_of(data.get("amount"))
    if not number:
        return PurchaseResult(outcome=Outcome.UNKNOWN, cost=cost, message="对方没有给出订单号")
    if way == CARD:
        return _cards(secret, f"{number}.{way}", cost)
    # What stands there now is a text for those who wait: another one means that it is done.
    ref = f"{number}.{way}{_print_of(secret)}"
    return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=ref, cost=cost)


def _cards(secret: str, ref: str, cost: Money | None) -> PurchaseResult:
    cards = cards_of(secret)
    if cards is None:
        message = "对方已收款，但给出的内容不是卡密，请人工核对"
        return PurchaseResult(outcome=Outcome.UNKNOWN, supplier_ref=ref, cost=cost, message=message)
    return PurchaseResult(outcome=Outcome.SUCCEEDED, supplier_ref=ref, deliveries=cards, cost=cost)


def _by_hand(way: str, text: str) -> Delivery:
    """What a person wrote: a receipt of a top-up, and else perhaps a card."""
    return Delivery(code=Secret(text)) if way == MANUAL else Delivery(note=text[:200])


def _print_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
