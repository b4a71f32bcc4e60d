"""How stations are settled: the main station's terms for all, and terms of a station's own."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from kameng.db import db, run
from kameng.errors import DomainError
from kameng.identity.api import audit
from kameng.settlement.models import SettlementTerms

MAIN_STATION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Amounts at scale 4, shares in basis points, days by the calendar in China."""

    release_days: int
    fee_bp: int
    pays_gateway_fee: bool
    deposit_required: int
    withdraw_minimum: int
    withdraw_daily_limit: int
    withdraw_fee: int
    withdraw_fee_bp: int
    two_person_above: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsView:
    """The terms that count for a station, and whether they are its own."""

    station_id: int
    own: bool
    terms: Terms
    updated_at: datetime
    updated_by: str


NAMES = tuple(field.name for field in fields(Terms))


def terms_of(station_id: int) -> TermsView:
    """What counts for a station: its own row, else that of the main station."""
    row = run("station_terms", p_station=station_id)[0]
    return TermsView(
        station_id=station_id, own=row["station_id"] == station_id,
        terms=Terms(**{name: row[name] for name in NAMES}),
        updated_at=row["updated_at"], updated_by=row["updated_by"],
    )  # fmt: skip


def own_terms() -> dict[int, Terms]:
    """Terms by station, of those that have their own and of the main station (main scope)."""
    rows = db.session.scalars(select(SettlementTerms)).all()
    return {r.station_id: Terms(**{name: getattr(r, name) for name in NAMES}) for r in rows}


def save_terms(station_id: int, terms: Terms, actor: str, ip: str = "") -> None:
    """Set a station's terms (main scope). They count for sales, releases and requests from now on.

    Raises `DomainError("terms_invalid")` beyond what the database takes.
    """
    before = asdict(terms_of(station_id).terms)
    values = {**asdict(terms), "updated_by": actor, "updated_at": func.now()}
    try:
        with db.session.begin_nested():
            db.session.execute(
                insert(SettlementTerms)
                .values(station_id=station_id, **values)
                .on_conflict_do_update(index_elements=["station_id"], set_=values)
            )
    except IntegrityError as error:
        db.session.rollback()
        raise DomainError("terms_invalid", _l("条款超出允许的范围，没有保存。")) from error
    new = {name: value for name, value in asdict(terms).items() if value != before[name]}
    old = {name: before[name] for name in new}
    detail = {"old": old, "new": new}
    audit(actor, "settlement.terms", f"station:{station_id}", detail, ip)
    db.session.commit()


def drop_terms(station_id: int, actor: str, ip: str = "") -> None:
    """A station goes back to the terms of all (main scope)."""
    if station_id == MAIN_STATION:
        raise DomainError("terms_default", _l("默认条款不能删除。"))
    db.session.execute(delete(SettlementTerms).where(SettlementTerms.station_id == station_id))
    audit(actor, "settlement.terms_default", f"station:{station_id}", {}, ip)
    db.session.commit()
