"""An account of the shop's at a bank. Nothing is called: the bank has no door for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BasePaymentProvider,
    ChargeRequest,
    ChargeResult,
    PaymentCapability,
    PaymentDetail,
    PaymentMethod,
)

METHOD = "bank_transfer"
WORD_DIGITS = 8
ENGLISH = {
    "开户银行": "Bank",
    "开户支行": "Branch",
    "户名": "Account name",
    "账号": "Account number",
    "转账金额": "Exact amount",
    "附言（必填）": "Remark (required)",
    "说明": "Note",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """Where the money goes. ``note`` is for the shopper; ``minimum`` None: any amount."""

    bank: str
    branch: str
    holder: str
    account: str
    note: str
    minimum: Money | None

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when a field is missing, or the minimum is below nothing."""
        minimum = config.money("minimum", Money.zero())
        if minimum < Money.zero():
            raise Misconfigured("the minimum is below zero")
        return cls(
            bank=config.text("bank"),
            branch=config.text("branch", ""),
            holder=config.text("holder"),
            account=config.text("account"),
            note=config.text("note", ""),
            minimum=minimum or None,
        )


class BankTransferProvider(BasePaymentProvider):
    """Declares MANUAL_CONFIRM alone: money is confirmed, and given back, by hand."""

    capabilities = PaymentCapability.MANUAL_CONFIRM

    def __init__(self, account: BankAccount) -> None:
        self._account = account

    def methods(self) -> Sequence[PaymentMethod]:
        """One."""
        minimum = self._account.minimum
        return (
            PaymentMethod(code=METHOD, label="银行转账", icon="building-bank", minimum=minimum),
        )

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """What the shopper has to type at the bank. Without any I/O."""
        if request.amount.currency != "CNY":
            raise Declined("currency", "the account takes CNY only")
        try:
            amount = request.amount.format()
        except ValueError:
            raise Declined("amount", "a bank moves whole fen only") from None
        return ChargeResult(outcome=Outcome.PENDING, details=self._details(request, amount))

    def _details(self, request: ChargeRequest, amount: str) -> tuple[PaymentDetail, ...]:
        account, english = self._account, request.locale.startswith("en")
        lines = (
            ("开户银行", account.bank, False),
            ("开户支行", account.branch, False),
            ("户名", account.holder, True),
            ("账号", account.account, True),
            ("转账金额", amount, True),
            ("附言（必填）", word_of(request.attempt_no), True),
            ("说明", account.note, False),
        )
        return tuple(
            PaymentDetail(label=ENGLISH[label] if english else label, value=value, copy=copy)
            for label, value, copy in lines
            if value
        )


def word_of(attempt_no: str) -> str:
    """What the shopper writes into the transfer: the end of our number, by which staff find it."""
    return attempt_no[-WORD_DIGITS:]
