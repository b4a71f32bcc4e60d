"""Rules and hand-set prices; the new prices follow by the topic `rule.changed`."""

from __future__ import annotations

from dataclasses import replace

from flask_babel import gettext as _
from sqlalchemy import select

from kameng.catalog.api import Listing
from kameng.db import db
from kameng.errors import DomainError, NotFound
from kameng.jobs import publish
from kameng.pricing.domain import FEN, MAX_AMOUNT, Rule, rule_problem
from kameng.pricing.models import PriceRule
from kameng.pricing.services.world import as_rule

_FIELDS = (
    "purpose", "grade", "category_id", "sku_id", "for_station_id", "operation", "value",
    "rounding_step", "rounding", "floor_price", "ceiling_price", "note", "active",
)  # fmt: skip


def save_rule(rule: Rule) -> int:
    """Store a rule (id 0 = a new one) and return its id; in the station's or the main scope.

    `value` of multiply is at scale 4 (10 500 = ×1.05), else an amount. Raises
    `DomainError("rule_refused")` or `NotFound`.
    """
    rule = replace(rule, grade=rule.grade or None, note=rule.note.strip()[:200])
    problem = rule_problem(rule)
    if problem:
        raise DomainError("rule_refused", _message(problem), field=problem)
    row = _stored(rule.station_id, rule.id) if rule.id else PriceRule(station_id=rule.station_id)
    for name in _FIELDS:
        setattr(row, name, getattr(rule, name))
    db.session.add(row)
    db.session.flush()
    publish("rule.changed", rule.station_id, {"station_id": rule.station_id})
    rule_id = row.id
    db.session.commit()
    return rule_id


def list_rules(station_id: int, purpose: str | None = None) -> list[Rule]:
    """A station's rules, newest first."""
    query = select(PriceRule).where(PriceRule.station_id == station_id)
    if purpose:
        query = query.where(PriceRule.purpose == purpose)
    return [as_rule(row) for row in db.session.scalars(query.order_by(PriceRule.id.desc()))]


def delete_rule(station_id: int, rule_id: int) -> None:
    """Remove a rule; raises `NotFound`."""
    db.session.delete(_stored(station_id, rule_id))
    publish("rule.changed", station_id, {"station_id": station_id})
    db.session.commit()


def set_fixed_price(station_id: int, sku_id: int, price: int | None) -> None:
    """Set a station's own price of a SKU (scale 4, whole fen), or give it back to the rules.

    Raises `DomainError("price_refused")` below the purchase price, or `NotFound`.
    """
    listing = _listing(station_id, sku_id)
    if price is not None:
        if price % FEN or not FEN <= price <= MAX_AMOUNT:
            raise DomainError("price_refused", _("售价要精确到分，最少 0.01 元"))
        if price < listing.buy_price:
            raise DomainError("price_refused", _("售价不能低于进货价"), buy_price=listing.buy_price)
    listing.fixed_price = price
    publish("rule.changed", station_id, {"station_id": station_id, "sku_id": sku_id})
    db.session.commit()


def set_listing_active(station_id: int, sku_id: int, active: bool) -> None:
    """Put a SKU on the station's own shelf or take it off; raises `NotFound`."""
    _listing(station_id, sku_id).active = active
    db.session.commit()


def _stored(station_id: int, rule_id: int) -> PriceRule:
    row = db.session.get(PriceRule, (station_id, rule_id))
    if row is None:
        raise NotFound("rule_unknown", _("没有这条价格规则"))
    return row


def _listing(station_id: int, sku_id: int) -> Listing:
    row = db.session.get(Listing, (station_id, sku_id))
    if row is None:
        raise NotFound("listing_unknown", _("本站没有这个规格"))
    return row


def _message(problem: str) -> str:
    messages = {
        "operation": _("请选择规则的用途和算法"),
        "rounding": _("取整单位要在 0.0001 到 1,000 元之间"),
        "value": _("倍率要在 0.0001 到 100 之间，金额不能超过一亿元"),
        "limits": _("最低价不能高于最高价，也不能是负数"),
        "selector": _("零售规则只按分类或规格区分，不按等级或分站"),
    }
    return str(messages[problem])
