"""A supplier at the port for tests: each account sells what the test puts on its shelf."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    BaseSupplier,
    Delivery,
    Offer,
    OfferPage,
    PurchaseRequest,
    PurchaseResult,
    Supplier,
    SupplierCapability,
)


@dataclass
class Upstream:
    """What one account is to say; ``pages`` None: nothing comes back."""

    pages: list[list[Offer]] | None = field(default_factory=lambda: [[]])
    endless: bool = False
    money: int | None = 1_000_000_0000
    asked: list[str] = field(default_factory=list)
    purchases: list[PurchaseRequest] = field(default_factory=list)
    between: Callable[[], None] = lambda: None

    def sells(self, *offers: Offer) -> None:
        self.pages = [list(offers)]


ACCOUNTS: dict[str, Upstream] = defaultdict(Upstream)


class UpstreamSupplier(BaseSupplier):
    """Speaks for one account of `ACCOUNTS`."""

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.STOCK
        | SupplierCapability.BALANCE
        | SupplierCapability.QUERY
        | SupplierCapability.TOP_UP
        | SupplierCapability.CODES
    )

    def __init__(self, account: str) -> None:
        self.account = account

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        up = ACCOUNTS[self.account]
        up.asked.append(cursor)
        if up.pages is None:
            raise HttpOutcomeUnknown("nothing came back")
        number = int(cursor or 0)
        up.between()
        last = number + 1 >= len(up.pages)
        following = str(number + 1) if not last else ""
        return OfferPage(
            offers=up.pages[min(number, len(up.pages) - 1)],
            next_cursor=cursor or "0" if up.endless else following,
        )

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        ACCOUNTS[self.account].purchases.append(request)
        return PurchaseResult(outcome=Outcome.SUCCEEDED, deliveries=(Delivery(note="ok"),))

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        return PurchaseResult(outcome=Outcome.PENDING)

    def balance(self, ctx: CallContext) -> Money:
        money = ACCOUNTS[self.account].money
        if money is None:
            raise HttpOutcomeUnknown("nothing came back")
        return Money(money)


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-upstream",
        kind=PluginKind.SUPPLIER,
        name="测试供货",
        version="0.1.0",
        description="for tests",
        author="Kameng",
        api_version=(1, 2),
        config_fields=(
            ConfigField(name="shop", label="店铺", required=True, scope="main"),
            ConfigField(name="key", label="密钥", secret=True, scope="main"),
        ),
        capabilities=("offers", "stock", "balance", "query", "top_up", "codes"),
        restricted=True,
    )


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return (UpstreamSupplier(config.text("shop", "")),)
