"""A provider that misbehaves in the way its configuration names."""

import itertools
import threading
import time

from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    Misconfigured,
    TemporarilyUnavailable,
    WebhookRefused,
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


class SlowResult(ChargeResult):
    """A class whose every question would be answered by the plugin's code."""

    @property
    def message(self):
        time.sleep(4)


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("nothing to say")


def paid(**changes):
    facts = {
        "kind": PaymentEventKind.PAID, "attempt_no": "1", "provider_ref": "x",
        "amount": Money(100), "paid_at": None, "event_id": "e", **changes,
    }  # fmt: skip
    return PaymentEvent(**facts)


ODD_NOTICES = {
    "no_number": {"events": [paid(attempt_no=None)]},
    "number_is_a_number": {"events": [paid(attempt_no=7)]},
    "no_reference": {"events": [paid(provider_ref=None)]},
    "endless": {"events": itertools.repeat(paid())},
    "too_many": {"events": [paid()] * 1000},
    "astronomic": {"events": [paid(amount=Money(10**30))]},
    "reply_status": {"reply": WebhookReply(status="200 OK")},
    "reply_body": {"reply": WebhookReply(body=None)},
    "reply_header": {"reply": WebhookReply(content_type="text/plain\r\nSet-Cookie: a=b")},
}


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

    def charge_no_ref(self, ctx):
        return ChargeResult(outcome=Outcome.PENDING, provider_ref=None)

    def charge_nul(self, ctx):
        return ChargeResult(outcome=Outcome.PENDING, provider_ref="a\0b")

    def charge_half_a_letter(self, ctx):
        return ChargeResult(outcome=Outcome.PENDING, provider_ref="\ud800")

    def charge_huge(self, ctx):
        return ChargeResult(outcome=Outcome.PENDING, qr_content="x" * 10_000_000)

    def charge_number_for_page(self, ctx):
        return ChargeResult(outcome=Outcome.PENDING, redirect_url=7)

    def charge_own_class(self, ctx):
        return SlowResult(outcome=Outcome.PENDING)

    def charge_mute_error(self, ctx):
        raise MuteError

    def charge_odd_decline(self, ctx):
        raise Declined(None, b"\xff")

    def charge_odd_pause(self, ctx):
        error = TemporarilyUnavailable()
        error.retry_after_s = "soon"
        raise error

    def query(self, ctx, attempt_no, provider_ref):
        amounts = {"astronomic": Money(10**30), "debt": Money(-1)}
        return QueryResult(outcome=Outcome.SUCCEEDED, amount=amounts.get(self.way))

    def parse_webhook(self, ctx, request):
        if self.way == "raise":
            raise RuntimeError(f"cannot verify with {self.key}")
        if self.way == "refuse_leaking":
            raise WebhookRefused(f"not signed with {self.key}\0")
        if self.way in ODD_NOTICES:
            return WebhookResult(**{"events": (), "reply": WebhookReply(), **ODD_NOTICES[self.way]})
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
