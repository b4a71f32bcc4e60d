"""What became of a purchase: found by its number here or there, with its cards when it has any."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown, PluginError
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseResult

from .account import ReloadlyAccount, Service
from .client import ReloadlyClient
from .transactions import cards_of, page_of, receipt, settled, wrong_with

PAGE_SIZE = 100


class Tracer:
    """Reads transactions; orders nothing."""

    def __init__(self, account: ReloadlyAccount, client: ReloadlyClient) -> None:
        self._account, self._client = account, client

    def by_ref(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By the number that Reloadly gave, which names its API too."""
        kind, _, number = supplier_ref.partition(":")
        service = self._account.topups if kind == "topup" else self._account.giftcards
        answer = self._client.get(ctx, service, f"{service.reports}/{number}")
        if answer.status == 404:
            return _not_found(supplier_ref)
        found = answer.read()
        # One document shows a list around the one transaction.
        if isinstance(found, list) and len(found) == 1:
            (found,) = found
        return self.result(ctx, service, purchase_no, found)

    def by_number(self, ctx: CallContext, purchase_no: str) -> PurchaseResult:
        """By ours, in the reports of both APIs."""
        found: list[tuple[Service, Mapping[str, Any]]] = []
        complete = True
        for service in (self._account.topups, self._account.giftcards):
            query = {"customIdentifier": purchase_no, "size": PAGE_SIZE, "page": 1}
            answer = self._client.get(ctx, service, service.reports, query)
            page = page_of(answer.read(), PAGE_SIZE)
            mine = [row for row in page.rows if row.get("customIdentifier") == purchase_no]
            found += [(service, row) for row in mine]
            # Whoever does not filter by our number shows the newest: then absence proves nothing.
            complete = complete and page.last
        if len(found) == 1:
            ((service, row),) = found
            return self.result(ctx, service, purchase_no, row)
        if not found and complete:
            return _not_found("")
        message = "上游有两笔同号交易，请人工核对" if found else "上游交易列表过长，无法确认"
        return PurchaseResult(outcome=Outcome.UNKNOWN, message=message)

    def result(
        self, ctx: CallContext, service: Service, purchase_no: str, transaction: Any
    ) -> PurchaseResult:
        """How a transaction stands; raises `HttpOutcomeUnknown` for another purchase's."""
        if not isinstance(transaction, dict):
            raise HttpOutcomeUnknown("the answer is no transaction")
        if transaction.get("customIdentifier") != purchase_no:
            raise HttpOutcomeUnknown("the answer is about another purchase")
        exchange = self._account.exchange
        if service.kind == "topup":
            return settled(service.kind, transaction, exchange, (receipt(transaction),))
        found = settled(service.kind, transaction, exchange)
        if found.outcome is not Outcome.SUCCEEDED:
            return found
        return self._with_cards(ctx, transaction, found)

    def _with_cards(
        self, ctx: CallContext, transaction: Mapping[str, Any], found: PurchaseResult
    ) -> PurchaseResult:
        """Paid and done, so it stays PENDING until its cards could be read."""
        path = f"orders/transactions/{transaction['transactionId']}/cards"
        try:
            cards = cards_of(self._client.get(ctx, self._account.giftcards, path).read())
        except PluginError:
            return replace(found, outcome=Outcome.PENDING, message="上游已完成，卡密暂时读取不到")
        problem = wrong_with(cards, transaction)
        if problem:
            return replace(found, outcome=Outcome.UNKNOWN, message=problem)
        return replace(found, deliveries=cards)


def _not_found(supplier_ref: str) -> PurchaseResult:
    return PurchaseResult(
        outcome=Outcome.UNKNOWN, supplier_ref=supplier_ref, message="上游查无此交易", found=False
    )
