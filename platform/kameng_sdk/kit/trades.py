"""Purchases and charges under one name, for checks that hold for both."""

from __future__ import annotations

from abc import ABC, abstractmethod

from kameng_sdk.kit import payments, suppliers
from kameng_sdk.kit.bench import Bench
from kameng_sdk.kit.calls import Said, Way
from kameng_sdk.manifest import PluginKind
from kameng_sdk.webhooks import WebhookRequest


class Trade(ABC):
    """Something that is begun once under a number of ours and settled later."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.last_number = ""

    @abstractmethod
    def begin(self, way: Way | None) -> Said:
        """Begin one under a new number."""

    @abstractmethod
    def notice(self) -> WebhookRequest:
        """A true notice of the simulator; raises `NotApplicable`."""

    @abstractmethod
    def read(self, notice: WebhookRequest) -> Said:
        """Let the plugin read a notice."""


class Purchases(Trade):
    """At a supplier."""

    def begin(self, way: Way | None) -> Said:
        """Buy."""
        request = suppliers.new_request(self._bench)
        self.last_number = request.purchase_no
        return suppliers.place(self._bench, request, way)

    def notice(self) -> WebhookRequest:
        """About a purchase."""
        return suppliers.true_notice(self._bench)[0]

    def read(self, notice: WebhookRequest) -> Said:
        """By `parse_callback`."""
        return suppliers.read_notice(self._bench, notice)


class Charges(Trade):
    """At a payment provider."""

    def begin(self, way: Way | None) -> Said:
        """Charge."""
        request = payments.new_charge(self._bench)
        self.last_number = request.attempt_no
        return payments.charge(self._bench, request, way)

    def notice(self) -> WebhookRequest:
        """About a payment."""
        return payments.true_notice(self._bench)[0]

    def read(self, notice: WebhookRequest) -> Said:
        """By `parse_webhook`."""
        return payments.read_notice(self._bench, notice)


def trade_of(bench: Bench) -> Trade:
    """The one that fits the plugin's kind."""
    kind = Purchases if bench.manifest.kind is PluginKind.SUPPLIER else Charges
    found: Trade = bench.once("trade", lambda: kind(bench))
    return found
