"""Payment providers: collect from a shopper, ask, give back, and read notices.

Amounts are whole fen, times are aware UTC, every ``…_no`` is the host's own number and every
``…_ref`` the other side's. The host commits a row with the number before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, Flag, auto
from typing import Protocol

from kameng_sdk.context import CallContext
from kameng_sdk.errors import CapabilityNotSupported
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.webhooks import WebhookReply, WebhookRequest


class PaymentCapability(Flag):
    """What a provider can do. What is not declared must raise `CapabilityNotSupported`."""

    QUERY = auto()
    """Can say what became of an attempt."""

    MANUAL_CONFIRM = auto()
    """A person confirms the money by hand."""

    REFUND = auto()
    """Can give the whole amount back."""

    PARTIAL_REFUND = auto()
    """Can give a part back, several times."""

    CANCEL = auto()
    """Can close an unpaid attempt so that it cannot be paid any more."""

    WEBHOOK = auto()
    """Sends notices to ``notify_url``."""

    REDIRECT = auto()
    """The shopper pays on a page of the other side."""

    QR = auto()
    """The shopper scans a code."""

    TEST_MODE = auto()
    """Runs against a test account when configured so."""

    WALLET = auto()
    """The core debits the shopper's wallet in its own transaction; nothing is ever called."""

    BILL = auto()
    """Can give the gateway's own list of a day's payments and refunds. Since 1.1."""

    PAYOUT = auto()
    """Can send money to somebody's account, and say what became of it. Since 1.1."""

    IDENTIFY = auto()
    """Can learn who the payer is from a page of the gateway, before a charge. Since 1.1."""


SETTLING = (
    PaymentCapability.QUERY
    | PaymentCapability.WEBHOOK
    | PaymentCapability.MANUAL_CONFIRM
    | PaymentCapability.WALLET
)
"""At least one must be declared, or an attempt with unknown outcome could never be settled."""


class Device(Enum):
    """Where the shopper's browser runs. Since 1.1."""

    DESKTOP = "desktop"
    """A computer: a code on the screen can be scanned by a phone."""

    PHONE = "phone"
    """A phone's own browser: it can open another app."""

    WECHAT = "wechat"
    """The browser inside WeChat."""

    ALIPAY = "alipay"
    """The browser inside Alipay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A way to pay that the shopper chooses: ``code`` is unique within the plugin.

    ``icon`` names an icon of the host's set; ``minimum`` and ``maximum`` are inclusive;
    ``fee_bp`` is what the gateway keeps of each payment, in hundredths of a percent.
    ``devices``: where it works; empty is everywhere. ``same_as``: methods that are one to the
    shopper (a QR code, an app, a page of one wallet) share this word, and the host shows the
    first that fits the device. ``needs_payer``: the charge wants ``ChargeRequest.payer``.
    ``offline``: the charge only builds what the shopper's browser takes to the gateway. The host
    may then ask before it has committed the row, and lets nothing be sent. Since 1.4.
    """

    code: str
    label: str
    icon: str = "credit-card"
    minimum: Money | None = None
    maximum: Money | None = None
    fee_bp: int = 0
    devices: frozenset[Device] = frozenset()
    same_as: str = ""
    needs_payer: bool = False
    offline: bool = False

    def __post_init__(self) -> None:
        if not self.code or not 0 <= self.fee_bp < 10_000:
            raise ValueError("a method needs a code and a fee below the whole amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRequest:
    """Collect ``amount`` once. ``attempt_no`` is the idempotency key towards the other side.

    ``payer``: what `PaymentProvider.identify` answered, for methods with ``needs_payer``.
    """

    attempt_no: str
    amount: Money
    method: str
    subject: str
    notify_url: str
    return_url: str
    client_ip: str
    expires_at: datetime
    locale: str = "zh_Hans_CN"
    device: Device = Device.DESKTOP
    payer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDetail:
    """One line of what the shopper needs to pay by hand: a bank's name, an account, a word."""

    label: str
    value: str
    copy: bool = False  # worth a button that copies it


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeResult:
    """Usually PENDING with one of ``redirect_url``, ``qr_content``, ``bridge`` and ``details``.

    - ``form``: the browser goes to ``redirect_url`` by POST with these fields.
    - ``bridge``: arguments of WeChat's ``getBrandWCPayRequest``, called on a page of the host.
    - ``details``: the host shows them and asks for a proof; a person confirms the money.
    - ``message`` is for staff and the log, never for the shopper, and holds no secret.
    """

    outcome: Outcome
    provider_ref: str = ""
    redirect_url: str = ""
    qr_content: str = ""
    message: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    bridge: Mapping[str, str] = field(default_factory=dict)
    details: Sequence[PaymentDetail] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """What became of an attempt. SUCCEEDED needs the ``amount`` the other side really took.

    DECLINED means: not paid and cannot be paid any more. "No such order" is UNKNOWN.
    """

    outcome: Outcome
    provider_ref: str = ""
    amount: Money | None = None
    paid_at: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """Give ``amount`` of ``total`` back; ``refund_no`` is the idempotency key of this refund.

    ``made_at``: when the host made this refund, the same in each call about it. Since 1.1.
    """

    attempt_no: str
    provider_ref: str
    refund_no: str
    amount: Money
    total: Money
    reason: str = ""
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResult:
    """SUCCEEDED only when the money has moved; accepted for later is PENDING."""

    outcome: Outcome
    provider_ref: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line of the gateway's own list: money taken, or given back.

    ``amount`` is what moved, above zero both ways; ``fee`` what the gateway kept of it (of a
    refund: gave back), None when the bill does not tell. ``refund_no`` and ``refund_ref`` are
    empty for a payment. ``done`` False: listed, and yet no money moved (refund under way, failed).
    """

    attempt_no: str
    provider_ref: str
    amount: Money
    at: datetime
    fee: Money | None = None
    refund_no: str = ""
    refund_ref: str = ""
    done: bool = True

    @property
    def is_refund(self) -> bool:
        """Whether money went back to the shopper."""
        return bool(self.refund_no or self.refund_ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillResult:
    """SUCCEEDED with all lines of the day, none is fine; PENDING: not ready yet, ask later.

    A bill that cannot be read to its end, or whose checksum is wrong, is UNKNOWN, never part.
    """

    outcome: Outcome
    lines: Sequence[BillLine] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRequest:
    """Send ``amount`` to ``account`` of kind ``kind`` held by ``name``.

    ``payout_no`` is the idempotency key; ``kind`` is one of the provider's ``payout_kinds``.
    """

    payout_no: str
    amount: Money
    kind: str
    account: str
    name: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutResult:
    """SUCCEEDED only when the money has moved; DECLINED only when it never will."""

    outcome: Outcome
    provider_ref: str = ""
    message: str = ""


class PaymentEventKind(Enum):
    """What a notice reports."""

    PAID = "paid"
    """The shopper's money was taken."""

    REFUNDED = "refunded"
    """Money went back to the shopper."""

    FAILED = "failed"
    """The attempt is over without money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent:
    """One fact from a verified notice; amounts are what the other side says.

    ``event_id`` is the same for each copy of a notice. ``fresh``: the signature covers a time
    that is now, so an old copy would have been refused; when False a replay is possible and
    must be harmless. ``refund_no``: of REFUNDED, the number of the host's refund.
    """

    kind: PaymentEventKind
    attempt_no: str
    provider_ref: str
    amount: Money
    paid_at: datetime | None
    event_id: str
    fresh: bool = False
    refund_no: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookResult:
    """What a verified notice means; no events is fine (a kind that does not matter).

    ``reply`` is sent after the effect is committed.
    """

    events: Sequence[PaymentEvent]
    reply: WebhookReply


class PaymentProvider(Protocol):
    """One account at one gateway. Objects are shared by threads: keep no state of a call.

    Every call ends before ``ctx.deadline`` and goes out through ``ctx.http`` only.
    """

    @property
    def capabilities(self) -> PaymentCapability:
        """All that is supported; constant for one object."""
        ...

    def methods(self) -> Sequence[PaymentMethod]:
        """Ways to pay under this configuration; no I/O."""
        ...

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """Start collecting. Called again with the same number only if nothing was sent."""
        ...

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        """Ask what became of an attempt (QUERY); ``provider_ref`` may be empty."""
        ...

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Give money back (REFUND, and PARTIAL_REFUND when amount < total)."""
        ...

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Ask what became of a refund (QUERY and REFUND)."""
        ...

    def cancel(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> Outcome:
        """Close an unpaid attempt (CANCEL). SUCCEEDED: it can no longer be paid."""
        ...

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        """Verify and translate a notice (WEBHOOK); raises `WebhookRefused` in any doubt."""
        ...

    def bill(self, ctx: CallContext, day: date) -> BillResult:
        """The gateway's list of one day, by its own clock in China (BILL). Since 1.1."""
        ...

    def payout_kinds(self) -> Sequence[str]:
        """Kinds of account this provider can pay to: alipay, wechat, bank; no I/O. Since 1.1."""
        ...

    def payout(self, ctx: CallContext, request: PayoutRequest) -> PayoutResult:
        """Send money (PAYOUT). The same number again answers with the first result. Since 1.1."""
        ...

    def query_payout(self, ctx: CallContext, request: PayoutRequest) -> PayoutResult:
        """Ask what became of a payout (PAYOUT). Since 1.1."""
        ...

    def identify_url(self, return_url: str, state: str) -> str:
        """Page of the gateway that comes back to ``return_url`` (IDENTIFY); no I/O. Since 1.1.

        It comes back with ``state`` unchanged and a ``code`` among the query's parameters.
        """
        ...

    def identify(self, ctx: CallContext, code: str) -> str:
        """Who the payer is, by the ``code`` that came back (IDENTIFY). Since 1.1.

        Raises `Declined` when the code is no good.
        """
        ...


class BasePaymentProvider:
    """Start from here: every method that is not overridden refuses as undeclared."""

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """Refuses."""
        raise CapabilityNotSupported("charge")

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        """Refuses."""
        raise CapabilityNotSupported("query")

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Refuses."""
        raise CapabilityNotSupported("refund")

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Refuses."""
        raise CapabilityNotSupported("query_refund")

    def cancel(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> Outcome:
        """Refuses."""
        raise CapabilityNotSupported("cancel")

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        """Refuses."""
        raise CapabilityNotSupported("parse_webhook")

    def bill(self, ctx: CallContext, day: date) -> BillResult:
        """Refuses."""
        raise CapabilityNotSupported("bill")

    def payout_kinds(self) -> Sequence[str]:
        """None."""
        return ()

    def payout(self, ctx: CallContext, request: PayoutRequest) -> PayoutResult:
        """Refuses."""
        raise CapabilityNotSupported("payout")

    def query_payout(self, ctx: CallContext, request: PayoutRequest) -> PayoutResult:
        """Refuses."""
        raise CapabilityNotSupported("query_payout")

    def identify_url(self, return_url: str, state: str) -> str:
        """Refuses."""
        raise CapabilityNotSupported("identify_url")

    def identify(self, ctx: CallContext, code: str) -> str:
        """Refuses."""
        raise CapabilityNotSupported("identify")
