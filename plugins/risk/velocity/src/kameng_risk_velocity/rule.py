"""The rule: the host counts, this compares. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kameng_sdk.risk import (
    ALLOWED,
    CounterNeed,
    RiskDecision,
    RiskReason,
    RiskStage,
    RiskSubject,
    RiskVerdict,
)

# 充值: goods topped up to an account number, and money put into a wallet. Cards do not count.
TOP_UPS = frozenset({"top_up", "wallet_top_up"})
REVIEW_SCORE = 80
BLOCK_SCORE = 100


@dataclass(frozen=True, slots=True)
class TopUpsPerAddress:
    """From the ``threshold``-th top-up of one IP within ``window_s`` seconds on: ``decision``.

    With 10 and 60: nine pass, the tenth is held (requirement R1, S6).
    """

    threshold: int
    window_s: int
    decision: RiskDecision

    name = "top-ups-per-ip"
    stages = frozenset({RiskStage.ORDER})
    order_kinds = TOP_UPS

    @property
    def needs(self) -> Sequence[CounterNeed]:
        """One counter; its name holds the window, so a changed window starts a new count."""
        return (
            CounterNeed(
                name=self.counter, key_field="ip", window_s=self.window_s, applies_to=TOP_UPS
            ),
        )

    @property
    def counter(self) -> str:
        """Under which name the host keeps the count."""
        return f"velocity.top_up.ip.{self.window_s}s"

    def evaluate(self, subject: RiskSubject) -> RiskVerdict:
        """Raises `LookupError` when a top-up comes without its count: that is no reason to pass."""
        if subject.order_kind not in TOP_UPS or not subject.ip:
            return ALLOWED
        count = subject.facts.get(self.counter)
        if type(count) is not int:
            raise LookupError(f"{self.counter} was not counted")
        if count < self.threshold:
            return ALLOWED
        text = f"同一 IP 在 {self.window_s} 秒内第 {count} 笔充值(阈值 {self.threshold} 笔)"
        return RiskVerdict(
            decision=self.decision,
            score=BLOCK_SCORE if self.decision is RiskDecision.BLOCK else REVIEW_SCORE,
            reasons=(RiskReason(code="velocity.top_up.ip", text=text),),
        )
