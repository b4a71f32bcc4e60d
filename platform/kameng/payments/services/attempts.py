"""Rows of attempts: read, found again by a second click, opened before the gateway is called."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import array

from kameng import chance, epoch
from kameng.db import current_scope, db
from kameng.errors import NotFound
from kameng.payments.domain import attempt_number, gateway_fee
from kameng.payments.models import PaymentAttempt
from kameng.payments.services.choosing import ORDER, Option, has_room
from kameng.plugins import api as plugins

WAYS = array(["form", "bridge", "details"])  # a page of ours to pay on is a way on
CHARGE_S = 12  # a gateway has answered by then, or never will

# What gateways keep, in hundredths of a percent: by station, and whose account it is.
_fees: epoch.Memory[tuple[int, int, str, str], int] = epoch.Memory("kameng.payments.fees")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is to be collected, for whom; amount at scale 4. `links` are columns of the attempt."""

    station_id: int
    purpose: str
    amount: int
    subject: str
    expires_at: datetime
    links: dict[str, Any] = field(default_factory=dict)
    order_no: str = ""
    bound_to: str = ""  # what a payer's token must be made for

    @property
    def order_id(self) -> int | None:
        """The order that is paid, if it is one."""
        found: int | None = self.links.get("order_id")
        return found


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt: new, or the open one that another click has made."""

    id: int
    number: str
    fresh: bool


def attempts_of(order_id: int) -> Sequence[PaymentAttempt]:
    """Attempts of an order at the scope's station, newest first (detached from the session)."""
    query = select(PaymentAttempt).where(PaymentAttempt.order_id == order_id)
    return list(db.session.scalars(query.order_by(PaymentAttempt.id.desc())))


def attempt(attempt_no: str) -> PaymentAttempt:
    """One attempt of the scope's station; raises `NotFound`."""
    query = select(PaymentAttempt).where(PaymentAttempt.attempt_no == attempt_no)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("attempt_unknown", _l("没有这个支付单"))
    return found


def open_for(
    demand: Demand, option: Option, device: str, payer: str = "",
    pairs: Collection[tuple[str, str]] = (), instead_of: int | None = None,
) -> Opened | None:  # fmt: skip
    """Open an attempt at this account, or find the open one of the same way (`pairs`). Committed.

    `instead_of` was never sent: it is over in the same transaction, so that nobody sees a gap.
    None: the account's day is full meanwhile.
    """
    if demand.order_id is not None:
        # Two clicks at once queue here: the second finds what the first has opened.
        key = f"attempt:{demand.station_id}:{demand.order_id}"
        db.session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}
        )
        found = find_open(demand, pairs, payer, instead_of)
        if found is not None:
            opened = Opened(found.id, found.attempt_no, False)
            db.session.commit()
            return opened
    if option.terms.daily_limit is not None and not has_room(
        demand.station_id, option, demand.amount, lock=True
    ):
        db.session.rollback()
        return None
    holder, plugin_id, account = option.key
    created = new_attempt(
        demand, plugin_id, option.offered.code, holder, account, option.offered.fee_bp,
        device=device, cashier={"payer": payer_mark(payer)} if payer else {},
    )  # fmt: skip
    db.session.add(created)
    if instead_of is not None:
        give_up(demand.station_id, instead_of)
    db.session.flush()
    opened = Opened(created.id, created.attempt_no, True)
    db.session.commit()
    return opened


def find_open(
    demand: Demand, pairs: Collection[tuple[str, str]], payer: str = "", but: int | None = None
) -> PaymentAttempt | None:
    """The newest attempt of this order and way that leads somewhere."""
    now = datetime.now(UTC)
    being_charged = (PaymentAttempt.state == "created") & (
        PaymentAttempt.created_at > now - timedelta(seconds=CHARGE_S)
    )
    with_payer = (PaymentAttempt.state == "sent") & or_(
        PaymentAttempt.redirect_url != "",
        PaymentAttempt.qr_content != "",
        PaymentAttempt.cashier.has_any(WAYS),
    )
    mark = PaymentAttempt.cashier["payer"].astext
    query = select(PaymentAttempt).where(
        PaymentAttempt.order_id == demand.order_id,
        tuple_(PaymentAttempt.plugin_id, PaymentAttempt.method).in_(sorted(pairs)),
        with_payer | being_charged,
        PaymentAttempt.expires_at > now,
        mark == payer_mark(payer) if payer else mark.is_(None),
    )
    if but is not None:
        query = query.where(PaymentAttempt.id != but)
    return db.session.scalar(query.order_by(PaymentAttempt.id.desc()).limit(1))


def new_attempt(
    demand: Demand, plugin_id: str, method: str, holder: int, account: str, fee_bp: int = 0,
    **values: Any,
) -> PaymentAttempt:  # fmt: skip
    """A row that is not stored yet."""
    told = fee_bp or _told_fee(demand.station_id, holder, plugin_id, account)
    return PaymentAttempt(
        station_id=demand.station_id, attempt_no=fresh_number(), purpose=demand.purpose,
        plugin_id=plugin_id, method=method, amount=demand.amount,
        fee=gateway_fee(demand.amount, told), expires_at=demand.expires_at,
        next_query_at=datetime.now(UTC) + timedelta(seconds=8), account_station_id=holder,
        account=account, **demand.links, **values,
    )  # fmt: skip


def fee_of(station_id: int, option: Option, amount: int) -> int:
    """What the gateway will keep of an amount, at scale 4."""
    told = option.offered.fee_bp or _told_fee(station_id, *option.key)
    return gateway_fee(amount, told)


def _told_fee(station_id: int, holder: int, plugin_id: str, account: str) -> int:
    def read() -> int:
        told = plugins.public_value(station_id, plugin_id, "fee_bp", holder=holder, account=account)
        return int(str(told or 0))

    return _fees.recall((station_id, holder, plugin_id, account), read)


def give_up(station_id: int, attempt_id: int, message: str = "") -> None:
    """An attempt that was never sent is over; in the open transaction."""
    values: dict[str, Any] = {"state": "declined", "next_query_at": None}
    if message:
        values["message"] = message
    db.session.execute(
        update(PaymentAttempt)
        .where(
            PaymentAttempt.station_id == station_id, PaymentAttempt.id == attempt_id,
            PaymentAttempt.state == "created",
        )
        .values(**values)
    )  # fmt: skip


def first_account(station_id: int, plugin_id: str, purpose: str) -> int:
    """Who holds the first account for a purpose; only orders may be a station's own."""
    return plugins.account_station(station_id, plugin_id) if purpose == ORDER else 1


def payer_mark(payer: str) -> str:
    """Tells payers apart without naming them."""
    return hashlib.sha256(payer.encode()).hexdigest()[:16]


def fresh_number() -> str:
    """A number for a new attempt; nobody can guess it."""
    return attempt_number(datetime.now(UTC), chance.randbelow(10**16))


def scope_station() -> int:
    """The scope's station; payments are started in one."""
    station_id = current_scope().station_id
    if station_id is None:
        raise RuntimeError("payments are started in a station's scope")
    return station_id
