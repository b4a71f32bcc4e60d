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

TOP_UPS = frozenset({"top_up", "wallet_top_up"})
SCORE = 70


@dataclass(frozen=True, slots=True)
class TopUpsPerMember:
    """From the ``limit``-th top-up of one member within ``window_s`` seconds on: review."""

    limit: int
    window_s: int

    name = "top-ups-per-member"
    stages = frozenset({RiskStage.ORDER})

    @property
    def needs(self) -> Sequence[CounterNeed]:
        """One counter; its name holds the window, so a changed window starts a new count."""
        return (
            CounterNeed(
                name=self.counter, key_field="member_ref", window_s=self.window_s,
                applies_to=TOP_UPS,
            ),
        )  # fmt: skip

    @property
    def counter(self) -> str:
        """Under which name the host keeps the count."""
        return f"risk-example.top_up.member.{self.window_s}s"

    def evaluate(self, subject: RiskSubject) -> RiskVerdict:
        """Raises `LookupError` when a top-up comes without its count."""
        if subject.order_kind not in TOP_UPS or not subject.member_ref:
            return ALLOWED
        count = subject.facts.get(self.counter)
        if type(count) is not int:
            raise LookupError(f"{self.counter} was not counted")
        if count < self.limit:
            return ALLOWED
        text = f"同一会员在 {self.window_s} 秒内第 {count} 笔充值(上限 {self.limit} 笔)"
        reason = RiskReason(code="risk-example.top_up.member", text=text)
        return RiskVerdict(decision=RiskDecision.REVIEW, score=SCORE, reasons=(reason,))
