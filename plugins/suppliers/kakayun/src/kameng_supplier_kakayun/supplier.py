"""The supplier's account as the host sees it."""

from collections.abc import Mapping

from kameng_sdk.context import CallContext
from kameng_sdk.errors import (
    Declined,
    HttpOutcomeUnknown,
    PluginError,
    TemporarilyUnavailable,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    BaseSupplier,
    CallbackResult,
    Offer,
    OfferPage,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.webhooks import WebhookRequest

from . import client, notices, reading
from .account import KakayunAccount
from .client import DUPLICATE, NO_SUCH_ORDER, Answer

PAGE = 50  # the most that `goods/all` gives at once
# The papers call every code but 1 and 9999 a failure. Only those that say what is wrong before
# anything was done are believed here; -1, 1205 and codes not listed are doubt.
REFUSALS = {
    401: "bad_signature", 402: "ip_not_allowed", 403: "stale_timestamp", 404: "too_often",
    1000: "no_account", 1001: "account_closed", 1002: "api_not_opened", 1200: "no_signature",
    1201: "no_account", 1202: "no_timestamp", 1203: "no_goods", 1204: "bad_quantity",
    1206: "off_shelf", 1207: "off_shelf", 1208: "bad_input", 1209: "not_allowed",
    1210: "above_cap", 1211: "bad_input", 1212: "bad_input", 1213: "no_balance", 1214: "no_goods",
}  # fmt: skip


class KakayunSupplier(BaseSupplier):
    """One account at one site of 卡卡云 v3."""

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.STOCK
        | SupplierCapability.QUERY
        | SupplierCapability.BALANCE
        | SupplierCapability.CALLBACK
        | SupplierCapability.CODES
        | SupplierCapability.TOP_UP
        | SupplierCapability.CANCEL
    )
    rules = SupplierRules(
        # The papers on `usorderno`: unique, "for idempotence"; the second time code 1205.
        number_is_idempotent=True,
        # They do not say how soon the common address knows what the site has taken: our choice.
        not_found_means_nothing_s=300,
        # `order/get` takes 180 questions a minute from one account; cards come within seconds.
        query_after_s=(3, 5, 10, 20, 30, 60, 120, 300, 600),
    )

    def __init__(self, account: KakayunAccount) -> None:
        self._account = account
        self._groups: Mapping[str, str] = {}

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """A page of the goods list; ``cursor`` is its number. A line that cannot be read is left
        out."""
        if not cursor or not self._groups:
            self._groups = reading.groups(self._asked(ctx, "goods/group", {}).data)
        page = int(cursor or "1")
        answer = self._asked(ctx, "goods/all", {"page": page, "limit": PAGE})
        if not isinstance(answer.data, list):
            raise HttpOutcomeUnknown("the goods list is no list")
        found = [offer for row in answer.data if (offer := self._offer(row))]
        last = reading.text(answer.fields, "allpage")
        more = bool(answer.data) and last.isdecimal() and page < int(last)
        return OfferPage(offers=found, next_cursor=str(page + 1) if more else "")

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """One order. Never gives cards at once: a query or a notice brings them."""
        wanted: dict[str, object] = {
            "goodsid": request.sku_ref,
            "buynum": request.quantity,
            "usorderno": request.purchase_no,
            "maxmoney": request.max_cost.format(4),  # of the whole order
            "callbackurl": request.notify_url,
            "attach": self._attach(ctx, request),
        }
        sent = {name: value for name, value in wanted.items() if value != ""}
        return self._placed(request.purchase_no, client.place(ctx, self._account, sent))

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """Always by our own number: the papers disagree on which one wins when both are sent."""
        answer = client.ask(ctx, self._account, "order/get", {"usorderno": purchase_no})
        if answer.code == NO_SUCH_ORDER:
            return PurchaseResult(outcome=Outcome.UNKNOWN, message=answer.message, found=False)
        if not answer.ok:
            raise HttpOutcomeUnknown(f"code {answer.code}: {answer.message}")
        if reading.text(answer.row(), "usorderno") not in ("", purchase_no):
            raise HttpOutcomeUnknown("the answer is about another order")
        try:
            return reading.result(answer.row())
        except ValueError as error:
            raise HttpOutcomeUnknown(f"the order cannot be read: {error}") from None

    def balance(self, ctx: CallContext) -> Money:
        """Our money there; below zero where the supplier gives credit."""
        return self.funds(ctx)[0]

    def funds(self, ctx: CallContext) -> tuple[Money, Money]:
        """Our money, and the credit on top of it."""
        row = self._asked(ctx, "user/info", {}).row()
        try:
            credit = reading.money(row, "creditquota") if row.get("creditquota") else Money.zero()
            return reading.money(row, "money"), credit
        except ValueError:
            raise HttpOutcomeUnknown("the balance cannot be read") from None

    def cancel(
        self, ctx: CallContext, purchase_no: str, supplier_ref: str, reason: str
    ) -> PurchaseResult:
        """Asks for the refund, then how the order stands: their yes alone proves little."""
        answer = client.ask(ctx, self._account, "order/cancelOrder", {"usorderno": purchase_no})
        if answer.code not in (0, 1, NO_SUCH_ORDER):
            raise HttpOutcomeUnknown(f"code {answer.code}: {answer.message}")
        return self.query(ctx, purchase_no, supplier_ref)

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """A notice about an order, or about goods that have changed."""
        return notices.parse(self._account, ctx.clock.now(), request)

    def _asked(self, ctx: CallContext, path: str, params: Mapping[str, object]) -> Answer:
        answer = client.ask(ctx, self._account, path, params)
        if answer.ok:
            return answer
        if answer.code in REFUSALS:
            raise Declined(REFUSALS[answer.code], answer.message)
        raise HttpOutcomeUnknown(f"code {answer.code}: {answer.message}")

    def _offer(self, row: object) -> Offer | None:
        try:
            return reading.offer(row, self._groups) if isinstance(row, dict) else None
        except ValueError:
            return None

    def _placed(self, purchase_no: str, answer: Answer) -> PurchaseResult:
        if answer.code in REFUSALS:
            raise Declined(REFUSALS[answer.code], answer.message)
        echoed = reading.text(answer.row(), "usorderno")
        if answer.ok and echoed in ("", purchase_no):
            ref = reading.text(answer.row(), "orderno")
            return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=ref)
        # A number that was used already is no refusal: the first order with it may well be done.
        note = "单号已存在" if answer.code == DUPLICATE else answer.message
        return PurchaseResult(outcome=Outcome.UNKNOWN, message=f"code {answer.code}: {note}")

    def _attach(self, ctx: CallContext, request: PurchaseRequest) -> str | list[dict[str, str]]:
        """One value as text; several with their types, which only the goods' template tells."""
        if len(request.inputs) < 2:
            return next(iter(request.inputs.values()), "")
        try:
            template = self._asked(ctx, "goods/tpl", {"goodsid": request.sku_ref}).data
        except HttpOutcomeUnknown as error:
            # Only the template was asked for: nothing is bought yet.
            raise TemporarilyUnavailable(10, str(error)) from None
        types = {
            reading.text(field, "title"): reading.text(field, "type")
            for field in (template if isinstance(template, list) else [])
            if isinstance(field, dict)
        }
        if missing := set(request.inputs) - {title for title, kind in types.items() if kind}:
            raise Declined("bad_input", f"goods have no such field: {sorted(missing)}")
        return [{"attachtype": types[name], "value": v} for name, v in request.inputs.items()]


def check(supplier: KakayunSupplier, ctx: CallContext) -> str:
    """What is wrong with the account, or ""."""
    try:
        supplier.funds(ctx)
    except PluginError as error:
        return str(error)
    return ""
