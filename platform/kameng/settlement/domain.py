"""Words and rules of settlement: payees, periods, what an answer to a payout means. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from kameng_sdk.outcomes import Outcome

State = Literal["created", "sent", "succeeded", "declined", "unknown"]

CHINA = ZoneInfo("Asia/Shanghai")  # the calendar of T+n, daily limits and statements
PAYEE_KINDS = ("alipay", "wechat", "bank")
ACCOUNTS = ("available", "margin_pending", "prepaid", "deposit", "frozen")
PAYOUT_EVERY_S = (15, 30, 60, 120, 300, 900, 1800)
FEN = 100  # scale-4 units in one fen
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_BANK_ACCOUNT = re.compile(r"[0-9]{8,30}")


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a month by the calendar in China; `start` counts, `end` does not."""

    kind: Literal["day", "month"]
    key: str  # 2026-11-25 or 2026-11
    start: datetime
    end: datetime

    @property
    def previous(self) -> str:
        """Key of the period before."""
        return _key(self.kind, self.start - timedelta(hours=1))

    @property
    def next(self) -> str:
        """Key of the period after."""
        return _key(self.kind, self.end + timedelta(hours=1))


def period(text: str) -> Period | None:
    """`2026-11-25` or `2026-11`; None for anything else."""
    month = _MONTH.fullmatch(text)
    if month:
        year, number = int(month[1]), int(month[2])
        after = (year + 1, 1) if number == 12 else (year, number + 1)
        return Period(
            "month", text, datetime(year, number, 1, tzinfo=CHINA),
            datetime(*after, 1, tzinfo=CHINA),
        )  # fmt: skip
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        return None
    start = datetime(day.year, day.month, day.day, tzinfo=CHINA)
    return Period("day", day.isoformat(), start, start + timedelta(days=1))


def _key(kind: str, moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d" if kind == "day" else "%Y-%m")


def clean_payee(kind: str, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(payee as it is stored, codes of what is wrong by field) of what a person has typed."""
    account = re.sub(r"[\s-]", "", given.get("account", ""))[:65]
    name = " ".join(given.get("name", "").split())[:41]
    bank = " ".join(given.get("bank", "").split())[:61]
    wrong = {}
    if kind not in PAYEE_KINDS:
        wrong["payee_kind"] = "kind"
    if not 3 <= len(account) <= 64 or (kind == "bank" and not _BANK_ACCOUNT.fullmatch(account)):
        wrong["account"] = "account"
    if not 2 <= len(name) <= 40:
        wrong["name"] = "name"
    if kind == "bank" and not 2 <= len(bank) <= 60:
        wrong["bank"] = "bank"
    return {"account": account, "name": name, **({"bank": bank} if kind == "bank" else {})}, wrong


def fee_of(amount: int, fixed: int, share_bp: int) -> int:
    """What a withdrawal costs (scale 4, whole fen): the same sum as `request_withdrawal` makes."""
    return fixed + (amount // FEN * share_bp + 5000) // 10000 * FEN


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of a payout, and after how many seconds it is tried or asked about again."""

    state: State
    wait_s: int


def after_payout(
    outcome: Outcome, *, retry_after_s: int | None, misconfigured: bool, tries: int
) -> Next:
    """The state after sending. What was surely not sent goes back to `created`."""
    if outcome is Outcome.SUCCEEDED:
        return Next("succeeded", 0)
    if outcome is Outcome.DECLINED and (retry_after_s is not None or misconfigured):
        return Next("created", max(retry_after_s or 0, 600 if misconfigured else 30))
    if outcome is Outcome.DECLINED:
        return Next("declined", 0)
    return Next("sent" if outcome is Outcome.PENDING else "unknown", wait_s(tries))


def after_query(outcome: Outcome, *, answered: bool, tries: int) -> Next:
    """The state after asking. Only a clear answer of the other side ends it."""
    if answered and outcome is Outcome.SUCCEEDED:
        return Next("succeeded", 0)
    if answered and outcome is Outcome.DECLINED:
        return Next("declined", 0)
    pending = answered and outcome is Outcome.PENDING
    return Next("sent" if pending else "unknown", wait_s(tries))


def wait_s(tries: int) -> int:
    """Seconds until the next question; it is never given up."""
    return PAYOUT_EVERY_S[min(max(tries, 0), len(PAYOUT_EVERY_S) - 1)]
