"""Wallets and balances, for reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from kameng.db import current_scope, db, run
from kameng.ledger.models import Account, AccountBalance


@dataclass(frozen=True, slots=True)
class WalletEntry:
    """One movement of a wallet; `amount` at scale 4, negative when money left."""

    id: int
    at: datetime
    kind: str
    amount: int
    order_id: int | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account and what is in it (credits minus debits, scale 4)."""

    id: int
    station_id: int
    station_name: str
    kind: str
    ref: str
    balance: int


@dataclass(frozen=True, slots=True)
class Earnings:
    """What a station has earned and what of it since a moment (scale 4)."""

    pending: int
    since: int


def wallet(member_id: int) -> int:
    """Balance of a member's wallet at the scope's station, scale 4; 0 when there is none yet."""
    found = db.session.scalar(
        select(AccountBalance.balance)
        .join(Account, Account.id == AccountBalance.account_id)
        .where(
            Account.station_id == current_scope().station_id,
            Account.kind == "wallet",
            Account.ref == str(member_id),
        )
    )
    return int(found or 0)


def wallet_entries(
    member_id: int, before: int | None = None, limit: int = 30
) -> Sequence[WalletEntry]:
    """Movements of a member's wallet, newest first, by keyset."""
    rows = run(
        "wallet_entries", p_station=current_scope().station_id, p_member=member_id,
        p_before=before, p_limit=limit,
    )  # fmt: skip
    return [WalletEntry(**row) for row in rows]


def station_earnings(station_id: int, since: datetime) -> Earnings:
    """Margins of a station that are not withdrawn yet, for its own console or the main one."""
    row = run("station_earnings", p_station=station_id, p_since=since)[0]
    return Earnings(int(row["pending"]), int(row["since_amount"]))


BALANCES_SQL = text("""
    SELECT a.id, a.station_id, s.name AS station_name, a.kind, a.ref,
           coalesce(b.balance, coalesce(r.balance, 0) + coalesce(t.moved, 0))::bigint AS balance
      FROM account a JOIN station s ON s.id = a.station_id
      LEFT JOIN account_balance b ON b.account_id = a.id
      LEFT JOIN account_rollup r ON r.account_id = a.id
      LEFT JOIN LATERAL (
        SELECT sum(CASE WHEN credit_account = a.id THEN amount ELSE -amount END) AS moved
          FROM transfer WHERE (debit_account = a.id OR credit_account = a.id)
           AND (r.through IS NULL OR xid >= r.through)
      ) t ON b.account_id IS NULL
     WHERE (CAST(:kind AS text) IS NULL OR a.kind = :kind)
       AND (CAST(:station AS bigint) IS NULL OR a.station_id = :station)
     ORDER BY a.station_id, a.kind, a.ref LIMIT :limit
""")


def accounts(
    kind: str | None = None, station_id: int | None = None, limit: int = 500
) -> list[AccountView]:
    """Accounts with balances (main scope): balance rows, or roll-up plus what came after it."""
    params = {"kind": kind, "station": station_id, "limit": limit}
    return [AccountView(**row) for row in db.session.execute(BALANCES_SQL, params).mappings()]


def roll_up() -> int:
    """Advance the roll-ups of insert-only accounts (main scope); returns accounts moved."""
    moved = int(run("roll_up_accounts")[0]["accounts"])
    db.session.commit()
    return moved
