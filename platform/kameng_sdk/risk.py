"""Risk rules: facts in, verdict out. A rule is pure; the host gathers, counts and decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Literal, Protocol

from kameng_sdk.money import Money

FactValue = str | int | bool | Money | None
KeyField = Literal["ip", "member_ref", "station_ref"]


class RiskStage(Enum):
    """When a rule is asked."""

    ORDER = "order"
    """An order or a wallet top-up is about to be created."""

    PAYMENT_SETTLED = "payment_settled"
    """Its money has arrived."""

    BEFORE_DELIVERY = "before_delivery"
    """Goods are about to be handed over; an error here holds the order."""

    STATION_SIGNUP = "station_signup"
    """Somebody applies for a station."""


class RiskDecision(IntEnum):
    """Ordered by severity: of all verdicts the host takes the greatest."""

    ALLOW = 0
    """Go on."""

    REVIEW = 1
    """Freeze and let a person look."""

    BLOCK = 2
    """Refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterNeed:
    """A number the host is to count: subjects of one key in the last ``window_s`` seconds.

    The window slides and the count is exact; it includes the subject being judged, which is
    counted once however often it is evaluated. Only order kinds in ``applies_to`` count (and
    get the fact); a subject without a value in ``key_field`` gets none.
    """

    name: str
    key_field: KeyField
    window_s: int
    applies_to: frozenset[str]

    def __post_init__(self) -> None:
        if not 1 <= self.window_s <= 86_400:
            raise ValueError("a window is 1 to 86400 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSubject:
    """What is judged. ``order_kind``: card, top_up, manual, bundle, wallet_top_up.

    ``facts`` holds the counters asked for, by `CounterNeed.name`, and what the stage knows.
    """

    stage: RiskStage
    order_kind: str
    station_ref: str
    ip: str
    member_ref: str = ""
    amount: Money | None = None
    facts: Mapping[str, FactValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskReason:
    """Why: a stable ``code`` for statistics and a ``text`` for the person who reviews."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskVerdict:
    """One rule's opinion; ``score`` runs from 0 (harmless) to 100."""

    decision: RiskDecision
    score: int = 0
    reasons: Sequence[RiskReason] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 100:
            raise ValueError("a score is 0 to 100")
        if self.decision is not RiskDecision.ALLOW and not self.reasons:
            raise ValueError("a verdict against somebody needs a reason")


ALLOWED = RiskVerdict(decision=RiskDecision.ALLOW)


class RiskRule(Protocol):
    """A pure function with a declaration of what it wants to know. No I/O, no clock."""

    @property
    def name(self) -> str:
        """Unique within the plugin; part of the stored decision."""
        ...

    @property
    def stages(self) -> frozenset[RiskStage]:
        """When it wants to be asked."""
        ...

    @property
    def needs(self) -> Sequence[CounterNeed]:
        """Counters it wants among the facts."""
        ...

    def evaluate(self, subject: RiskSubject) -> RiskVerdict:
        """Judge; anything raised counts as the host's choice for the stage, never as ALLOW."""
        ...


class SelectiveRiskRule(RiskRule, Protocol):
    """A rule that can only speak about some kinds of orders; it is not asked about others.

    Each question costs a change of threads, which is much beside buying a card. A rule without
    the attribute is asked about all. Since 1.3.
    """

    @property
    def order_kinds(self) -> frozenset[str]:
        """Among `RiskSubject.order_kind`; constant for one object."""
        ...
