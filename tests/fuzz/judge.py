"""What an answer must look like; a fault is a sentence and never stops the run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator
from tests.integration.openapi.docking import Key

from kameng.openapi.api import REFUSALS

from .shop import FuzzedShop
from .signers import native
from .truth import REQUESTS
from .wire import Answer, Sent

ROOT = b"/api/v1/"  # what lies beside is no part of the interface
PROBLEM = "application/problem+json"
MOST_FAULTS = 25
# How each dock says that it has done what was asked.
SUCCESS = {"acg-shared": ("code", 200), "dujiao-next": ("ok", True), "kasushou": ("code", 200),
           "kakayun": ("code", 1)}  # fmt: skip


@dataclass
class Judge:
    """Sends, compares before and after, and notes what is wrong."""

    shop: FuzzedShop
    problem: Draft202012Validator
    faults: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    served: set[str] = field(default_factory=set)  # what has been done as asked at least once
    cards: dict[str, str] = field(default_factory=dict)  # number: the order it was given to
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()

    def ask(self, what: str, key: Key, sent: Sent) -> Answer:
        """One request of the native interface, signed as it goes out."""
        answer = self._carry(what, sent, native(key, sent))
        if answer.status:
            self._native(what, sent, answer)
        return answer

    def dock(self, dialect: str, sent: Sent, signed: Any) -> None:
        """One request of another system."""
        answer = self._carry(dialect, sent, signed)
        if not answer.status:
            return
        if answer.status >= 500:
            return self.fault(dialect, sent, answer, "broke")
        if sent.method == "HEAD":
            return None
        if not answer.kind.endswith("json"):  # a method that HTTP does not have gets a problem
            return self.fault(dialect, sent, answer, "is no JSON")
        name, done = SUCCESS[dialect]
        if answer.json.get(name) != done:
            self._unchanged(dialect, sent, answer, except_for=REQUESTS)
        return None

    def _carry(self, what: str, sent: Sent, signed: Any) -> Answer:
        self.before = self.after or self.shop.truth.state()  # nobody else is at work
        answer = self.shop.line.carry(sent, signed)
        self.after = self.shop.truth.state()
        self.cases[what] += 1
        self.statuses[answer.status] += 1
        if not answer.status:
            self._unchanged(what, sent, answer)
        return answer

    def _native(self, what: str, sent: Sent, answer: Answer) -> None:
        if answer.status >= 500:
            self.fault(what, sent, answer, "broke")
        elif answer.status >= 400:
            self._unchanged(what, sent, answer)
            if sent.method != "HEAD" and sent.target.startswith(ROOT):
                self._refusal(what, sent, answer)
        elif answer.status >= 300 and sent.target.startswith(b"/api/"):
            self.fault(what, sent, answer, "leads elsewhere")
        elif answer.status == 201:
            self.served.add(what)
            self._one_more(what, sent, answer)
        else:
            self.served.add(what)
            self._unchanged(what, sent, answer)

    def _refusal(self, what: str, sent: Sent, answer: Answer) -> None:
        if answer.kind != PROBLEM:
            return self.fault(what, sent, answer, "is no problem document")
        told = answer.json
        for wrong in self.problem.iter_errors(told):
            return self.fault(what, sent, answer, f"does not fit the schema: {wrong.message[:90]}")
        known = REFUSALS.get(told["code"])
        if known is None or (known.number, known.status, answer.status) != (
            told["number"], told["status"], known.status,
        ):  # fmt: skip
            return self.fault(what, sent, answer, f"is not in the catalogue: {told['code']}")
        if [told["request_id"]] != answer.headers.get("x-request-id"):
            self.fault(what, sent, answer, "has another number than its header")
        return None

    def _one_more(self, what: str, sent: Sent, answer: Answer) -> None:
        """A new order or request, and nothing else, has its one row."""
        rows = [self.after[n] - self.before[n] for n in (0, 5, 6, 7)]
        if sum(rows) != 1 or min(rows) < 0:
            self.fault(what, sent, answer, f"made {rows}")
        told = answer.json
        for card in [] if told.get("sandbox") else told.get("cards", []):
            if self.cards.setdefault(card["number"], told["order_no"]) != told["order_no"]:
                self.fault(what, sent, answer, "gives away a card that was sold before")

    def _unchanged(
        self, what: str, sent: Sent, answer: Answer, except_for: tuple[int, ...] = ()
    ) -> None:
        moved = [n for n, (a, b) in enumerate(zip(self.before, self.after, strict=True)) if a != b]
        if set(moved) - set(except_for):
            self.fault(what, sent, answer, f"has changed {moved}")

    def fault(self, what: str, sent: Sent, answer: Answer, why: str) -> None:
        """Note what is wrong; the same of the same kind only a few times."""
        alike = sum(one.startswith(f"{what}: {why[:30]}") for one in self.faults)
        if len(self.faults) < MOST_FAULTS and alike < 4:
            self.faults.append(
                f"{what}: {why}\n  {sent.method} {sent.target[:300]!r} {sent.headers}\n  {sent.body[:300]!r}"
                f"\n  {answer.status} {answer.kind} {answer.body[:300]!r}"
            )
