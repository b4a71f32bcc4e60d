"""What the demo's stations earned was released day by day; one has been paid, one asks to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kameng.db import main_scope, station_scope
from kameng.identity import api as identity
from kameng.settlement import api as settlement

MAIN_STATION = 1
FINANCE = "staff:2"
PAYEES: tuple[tuple[str, dict[str, str]], ...] = (
    ("bank", {"account": "6222020200112233445", "name": "江南数卡商行", "bank": "工商银行"}),
    ("alipay", {"account": "owner@yehang.example.com", "name": "沈一舟"}),
)  # fmt: skip


def agree_on_terms() -> None:
    """T+1, a small service fee, two people above 5,000 yuan (main scope)."""
    now = settlement.terms_of(MAIN_STATION).terms
    terms = replace(now, fee_bp=200, withdraw_fee=2_0000, two_person_above=5_000_0000)
    settlement.save_terms(MAIN_STATION, terms, "staff:1")


def settle(opened: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Release all that is due, pay the first station, leave the second one waiting."""
    with main_scope(reason="demo"):
        settlement.release_due()
        owners = [(station, identity.list_staff(station)[0].id) for station, _login in opened[:2]]
    paid, _waiting = [
        _ask(station, f"staff:{owner}", kind, payee)
        for (station, owner), (kind, payee) in zip(owners, PAYEES, strict=True)
    ]
    with main_scope(reason="demo"):
        subject = str(paid)
        for request in identity.approvals(kind="withdrawal", subject=subject):
            identity.vote(request.station_id, request.id, FINANCE, True, "账号与营业执照一致")
        settlement.pay_by_hand(owners[0][0], paid, FINANCE, "ICBC2026112000183")


def _ask(station_id: int, actor: str, kind: str, payee: dict[str, str]) -> int:
    """Two fifths of what is there, in whole yuan."""
    with station_scope(station_id):
        available = settlement.funds(station_id).available
        amount = max(100_0000, available * 2 // 5 // 10_000 * 10_000)
        key = f"demo-withdrawal-{station_id}"
        return settlement.request_withdrawal(station_id, amount, kind, payee, actor, key)
