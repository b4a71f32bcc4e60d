"""A provider that misbehaves in the way its configuration names."""

import threading
import time

from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    Misconfigured,
    TemporarilyUnavailable,
)
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BasePaymentProvider,
    ChargeResult,
    PaymentCapability,
    PaymentEvent,
    PaymentEventKind,
    PaymentMethod,
    QueryResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookReply

PENDING = ChargeResult(outcome=Outcome.PENDING)


class HostileProvider(BasePaymentProvider):
    def __init__(self, config):
        self.way = config.text("way", "")
        self.key = config.secret("key").reveal()
        self.capabilities = PaymentCapability.QUERY | PaymentCapability.WEBHOOK
        if self.way == "unsettled":
            self.capabilities = PaymentCapability.REDIRECT

    def methods(self):
        if self.way == "twins":
            return [PaymentMethod(code="a", label="A"), PaymentMethod(code="a", label="B")]
        return [PaymentMethod(code="a", label="A")]

    def charge(self, ctx, request):
        return getattr(self, f"charge_{self.way}", lambda ctx: PENDING)(ctx)

    def charge_hang(self, ctx):
        time.sleep(4)

    def charge_exit(self, ctx):
        raise SystemExit(1)

    def charge_raise(self, ctx):
        raise RuntimeError(f"cannot sign with {self.key}")

    def charge_leak(self, ctx):
        return ChargeResult(outcome=Outcome.PENDING, message=f"signed with {self.key}")

    def charge_decline_leaking(self, ctx):
        raise Declined("refused", f"key {self.key} is blocked")

    def charge_unavailable(self, ctx):
        raise TemporarilyUnavailable(7, "queue is full")

    def charge_unavailable_after_sending(self, ctx):
        ctx.http.request("POST", self.key.rpartition(" ")[2], content=b"pay")
        raise TemporarilyUnavailable(7, "nothing was sent, honestly")

    def charge_misconfigured(self, ctx):
        raise Misconfigured("no such merchant")

    def charge_unsupported(self, ctx):
        raise CapabilityNotSupported("charge")

    def charge_dictionary(self, ctx):
        return {"outcome": "succeeded"}

    def charge_script(self, ctx):
        return ChargeResult(outcome=Outcome.PENDING, redirect_url="javascript:alert(1)")

    def charge_text_outcome(self, ctx):
        return ChargeResult(outcome="succeeded")

    def charge_metadata_service(self, ctx):
        ctx.http.request("GET", "http://169.254.169.254/latest/meta-data/")

    def charge_database(self, ctx):
        from kameng.db import db

        db.session.connection()

    def charge_thread(self, ctx):
        threading.excepthook = lambda *_args: None
        threading.Thread(target=lambda: 1 // 0, daemon=True).start()
        return PENDING

    def query(self, ctx, attempt_no, provider_ref):
        return QueryResult(outcome=Outcome.SUCCEEDED)

    def parse_webhook(self, ctx, request):
        if self.way == "raise":
            raise RuntimeError(f"cannot verify with {self.key}")
        event = PaymentEvent(
            kind=PaymentEventKind.PAID, attempt_no="1", provider_ref="x",
            amount=100 if self.way == "bare_number" else Money(-1), paid_at=None, event_id="e",
        )  # fmt: skip
        return WebhookResult(events=[event], reply=WebhookReply())


@hookimpl
def kameng_manifest():
    return PluginManifest(
        id="payment-hostile", kind=PluginKind.PAYMENT, name="Hostile", version="1",
        api_version=(1, 0), description="Misbehaves.", author="Tests",
        config_fields=(
            ConfigField(name="way", label="Way"),
            ConfigField(name="key", label="Key", secret=True, required=True),
        ),
    )  # fmt: skip


@hookimpl
def kameng_payment_providers(config):
    way = config.text("way", "")
    if way == "build_raises":
        raise Misconfigured(f"bad key {config.secret('key').reveal()}")
    if way == "build_hangs":
        time.sleep(6.5)
    return [HostileProvider(config) for _ in range(2 if way == "two" else 1)]
