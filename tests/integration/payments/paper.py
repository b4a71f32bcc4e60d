"""A gateway of the tests with what the real ones have besides: payers, bank details, bills, payouts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BasePaymentProvider,
    BillLine,
    BillResult,
    ChargeRequest,
    ChargeResult,
    Device,
    PaymentCapability,
    PaymentDetail,
    PaymentEvent,
    PaymentEventKind,
    PaymentMethod,
    PayoutRequest,
    PayoutResult,
    RefundRequest,
    RefundResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

PLUGIN = "payment-paper"
ANSWERS: dict[str, Any] = {}  # what the next calls answer instead of the usual
LINE = BillLine(
    attempt_no="1", provider_ref="r", amount=Money(100), at=datetime(2026, 1, 1, tzinfo=UTC)
)


class PaperProvider(BasePaymentProvider):
    """Everything that needs no network."""

    capabilities = (
        PaymentCapability.MANUAL_CONFIRM | PaymentCapability.IDENTIFY | PaymentCapability.WEBHOOK
        | PaymentCapability.BILL | PaymentCapability.PAYOUT | PaymentCapability.QR
        | PaymentCapability.REFUND | PaymentCapability.QUERY
    )  # fmt: skip

    def methods(self) -> tuple[PaymentMethod, ...]:
        return (
            PaymentMethod(code="transfer", label="转账"),
            PaymentMethod(
                code="js", label="微信", same_as="wechat", needs_payer=True,
                devices=frozenset({Device.WECHAT}),
            ),
            PaymentMethod(
                code="qr", label="微信", same_as="wechat", devices=frozenset({Device.DESKTOP})
            ),
        )  # fmt: skip

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        if "charge" in ANSWERS:
            return ANSWERS["charge"]  # type: ignore[no-any-return]  # whatever the test wants
        given: dict[str, Any] = {
            "transfer": {"details": [PaymentDetail(label="账号", value="6222", copy=True)]},
            "js": {"bridge": {"package": f"for {request.payer}"}},
            "qr": {"qr_content": "weixin://x"},
        }[request.method]
        return ChargeResult(outcome=Outcome.PENDING, **given)

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        return RefundResult(outcome=Outcome.PENDING)

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        return RefundResult(outcome=Outcome.SUCCEEDED, provider_ref="r")

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        told = json.loads(request.body)
        event = PaymentEvent(
            kind=PaymentEventKind(told["kind"]), attempt_no=told["attempt"], provider_ref="p" + told["attempt"],
            amount=Money(told["amount"]), paid_at=None, event_id="e",
            refund_no=told.get("refund", ""),
        )  # fmt: skip
        return WebhookResult(events=(event,), reply=WebhookReply(status=200, body="success"))

    def bill(self, ctx: CallContext, day: date) -> BillResult:
        return BillResult(outcome=Outcome.SUCCEEDED, lines=ANSWERS.get("lines", [LINE]))

    def payout_kinds(self) -> Any:
        return ANSWERS.get("kinds", ("alipay",))

    def payout(self, ctx: CallContext, request: PayoutRequest) -> PayoutResult:
        return ANSWERS.get("payout", PayoutResult(outcome=Outcome.SUCCEEDED, provider_ref="p"))

    def query_payout(self, ctx: CallContext, request: PayoutRequest) -> PayoutResult:
        return self.payout(ctx, request)

    def identify_url(self, return_url: str, state: str) -> str:
        return str(ANSWERS.get("url", f"https://paper.example/who?back={return_url}&state={state}"))

    def identify(self, ctx: CallContext, code: str) -> str:
        if code != "good":
            raise Declined("code", "no such code")
        return str(ANSWERS.get("payer", "openid-1"))


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id=PLUGIN, kind=PluginKind.PAYMENT, name="纸", version="1", api_version=(1, 1),
        description="test", author="test",
        config_fields=(ConfigField(name="shop", label="号"),),
    )  # fmt: skip


@hookimpl
def kameng_payment_providers(config: Any) -> list[PaperProvider]:
    return [PaperProvider()]
