"""Suppliers in plain Python: what they have really sold, and what they say of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kameng.plugins.api import Answer
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import (
    CallbackResult,
    Delivery,
    PurchaseEvent,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

UNIT, SILENCE_S = 90_0000, 60
ABLE = SupplierCapability.QUERY | SupplierCapability.CODES | SupplierCapability.CANCEL
BUYING = (
    "done", "part", "part", "slow", "slow", "slow", "refuses", "refuses", "lost", "done_unheard", "too_many",
    "not_sent",
    "misconfigured", "killed_before", "killed_after", "second_worker",
)  # fmt: skip
TELLING = ("truth", "truth", "truth", "silent", "hidden", "killed")
codes = itertools.count(1)


class Killed(Exception):
    """The worker is gone: nothing after this has happened."""


@dataclass
class Sale:
    """One order there. `late`: delivered after it had been refused."""

    number: str
    pieces: int
    born: int
    state: str = "done"
    refunded: int = 0
    late: bool = False
    cards: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cards = [f"CODE-{next(codes)}" for _n in range(self.pieces)]

    @property
    def cost(self) -> int:
        return UNIT * self.pieces

    def tell(self, extra: int = 0) -> PurchaseResult:
        """How it stands; with so many cards that nobody has sold."""
        if self.state == "open":
            return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=f"r{self.number}")
        if self.state == "failed":
            return PurchaseResult(outcome=Outcome.DECLINED, refunded=Money(self.cost))
        texts = self.cards + [f"FALSE-{next(codes)}" for _n in range(extra)]
        return PurchaseResult(
            outcome=Outcome.SUCCEEDED, supplier_ref=f"r{self.number}", cost=Money(self.cost),
            deliveries=tuple(Delivery(number="N", code=Secret(text)) for text in texts),
            refunded=Money(self.refunded) if self.refunded else None,
        )  # fmt: skip


@dataclass
class Peer:
    """One supplier behind the port; `buying` and `telling` are its moods, time is the machine's."""

    account: str
    rules: SupplierRules
    capabilities: SupplierCapability
    before: Callable[[Any, PurchaseRequest], None]
    meanwhile: Callable[[], None]
    now: Callable[[], int]
    plugin_id: str = "supplier-test"
    buying: str = "done"
    telling: str = "truth"
    books: dict[str, Sale] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    notice: PurchaseEvent | None = None

    def purchase(self, request: PurchaseRequest) -> Answer[PurchaseResult]:
        """As the mood is."""
        self.before(self, request)
        match self.buying:
            case "killed_before":
                raise Killed
            case "not_sent":
                return said(None, Outcome.DECLINED, retry_after_s=5)
            case "misconfigured":
                return said(None, Outcome.DECLINED, misconfigured=True)
            case "lost":
                return said(None, Outcome.UNKNOWN, code="no_answer")
        if request.purchase_no in self.books:  # asks the host to look
            return said(PurchaseResult(outcome=Outcome.UNKNOWN, message="used"), Outcome.UNKNOWN)
        if self.buying == "refuses":
            self.refused.append(request.purchase_no)
            return said(None, Outcome.DECLINED, code="no_stock")
        return self._sell(request)

    def _sell(self, request: PurchaseRequest) -> Answer[PurchaseResult]:
        part = self.buying == "part"  # where that is not agreed, it is a matter for people
        sale = Sale(
            request.purchase_no, request.quantity - int(part and request.quantity > 1), self.now()
        )
        self.books[sale.number] = sale
        if self.buying == "slow":
            sale.state = "open"
        if self.buying == "killed_after":
            raise Killed
        if self.buying == "done_unheard":
            return said(None, Outcome.UNKNOWN, code="no_answer")
        if self.buying == "second_worker":
            self.meanwhile()
        return said(sale.tell(extra=int(self.buying == "too_many")))

    def query(self, purchase_no: str, supplier_ref: str = "") -> Answer[PurchaseResult]:
        """The truth, nothing, or for a while "no such order"."""
        sale = self.books.get(purchase_no)
        if self.telling == "silent":
            return said(None, Outcome.UNKNOWN, code="no_answer")
        hides = self.rules.not_found_means_nothing_s is None or (
            sale is not None and self.now() - sale.born < SILENCE_S - 5
        )
        if sale is None or (self.telling == "hidden" and hides):
            return said(PurchaseResult(outcome=Outcome.UNKNOWN, found=False), Outcome.UNKNOWN)
        if self.telling == "killed":
            raise Killed
        return said(sale.tell())

    def cancel(self, purchase_no: str, supplier_ref: str, reason: str) -> Answer[PurchaseResult]:
        """Too late once it is done."""
        sale = self.books.get(purchase_no)
        if sale is not None and sale.state == "open":
            sale.state = "failed"
        return self.query(purchase_no)

    def parse_callback(self, request: WebhookRequest) -> CallbackResult:
        """What the machine wants to be told."""
        assert self.notice is not None
        return CallbackResult(events=(self.notice,), reply=WebhookReply(body=b"ok"))


def said(
    value: PurchaseResult | None, outcome: Outcome | None = None, **more: Any
) -> Answer[PurchaseResult]:
    """An answer of the host."""
    return Answer(
        outcome=outcome or (value.outcome if value else Outcome.UNKNOWN), value=value, **more
    )
