"""The story of one order: its steps, its money and what hangs together with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng.db import db
from kameng.orders import api as orders
from kameng.orders.models import Order, OrderCost
from kameng.payments.models import PaymentAttempt, Refund
from kameng.risk.models import RiskDecisionRow
from kameng.supply.models import Purchase
from kameng.web.formats import plain_money
from kameng_admin import labels, supply_words, texts


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a timeline."""

    at: datetime
    icon: str
    tone: str
    text: Any
    note: Any = ""

    @property
    def today(self) -> bool:
        """Whether a time of day is enough."""
        return (datetime.now(UTC) - self.at).total_seconds() < 72_000


@dataclass(frozen=True, slots=True)
class Share:
    """One part of the strip that says who got what; positions in percent."""

    label: Any
    amount: int
    x: float
    width: float
    tone: int


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the order's page shows beside its facts."""

    steps: Sequence[Step]
    trail: Any
    shares: Sequence[Share]
    price_steps: Sequence[dict[str, Any]]
    attempts: Sequence[PaymentAttempt]
    refunds: Sequence[Refund]
    purchases: Sequence[Purchase]
    decisions: Sequence[RiskDecisionRow]


TRANSFERS = {
    "payment.collect": _l("收款"),
    "payment.fee": _l("网关手续费"),
    "purchase.cost": _l("采购成本"),
    "purchase.refund": _l("供货退回"),
    "supplier.payment": _l("付供应商货款"),
    "wallet.pay": _l("余额付款"),
    "sale.cost": _l("货款成本"),
    "sale.margin": _l("毛利"),
    "sale.rounding": _l("取整差额"),
    "refund.reserve": _l("退款预留"),
    "refund.pay": _l("退款付出"),
    "refund.wallet": _l("退回余额"),
    "refund.hand": _l("线下退款"),
    "wallet.bonus": _l("充值赠送"),
    "return.cost": _l("退回成本"),
    "return.margin": _l("退回毛利"),
    "return.rounding": _l("退回取整"),
    "return.prepaid": _l("退回预存"),
    "fund.order": _l("预存付货款"),
    "fund.return": _l("货款退回预存"),
    **dict.fromkeys(
        [f"adjust.{kind}" for kind in ("adjustment", "wallet", "prepaid", "available", "deposit")],
        _l("调账"),
    ),
    "settle.release": _l("到期结算"),
    "settle.fee": _l("平台服务费"),
    "settle.fee_return": _l("退回服务费"),
    "settle.gateway_fee": _l("分站承担手续费"),
    "withdraw.hold": _l("申请提现"),
    "withdraw.pay": _l("提现打款"),
    "withdraw.fee": _l("提现手续费"),
    "withdraw.return": _l("提现退回"),
    "bill.fee": _l("账单手续费差额"),
    "bill.difference": _l("对账差额入账"),
}
REASONS = {
    "placed": _l("买家下单"),
    "not paid in time": _l("过期未付，库存放回"),
    "no unit of the flash sale left": _l("付款太晚，秒杀名额已被抢完"),
    "after-sales time is over": _l("售后期已过"),
    "purchase": _l("已交给供应方"),
    "fulfilled": _l("已交付"),
    "purchase opened": _l("已向供应商采购"),
    "purchase delivered": _l("供应商已交货"),
    "purchase declined": _l("供应商未能交货"),
    "part delivered": _l("供应商交了一部分"),
    "supplier refund": _l("供应商退回货款"),
    "no supplier": _l("没有供应商能交货，款项退回"),
    "nobody delivers": _l("没有供应商能交货"),
    "cards claimed": _l("从卡池取卡"),
    "no card left": _l("卡池已空，款项退回"),
    "money returned": _l("款已退回"),
    "risk review": _l("等人工审核"),
    "paid by balance": _l("余额付款"),
    "notice": _l("网关通知，验签通过"),
    "query": _l("主动查询得知"),
    "cancelled": _l("取消，库存放回"),
    "part refund": _l("退了一部分"),
    "refund requested": _l("会员申请退款"),
    "refund request accepted": _l("同意了退款申请"),
    "refund request declined": _l("拒绝了退款申请"),
    "the station has not paid in time": _l("分站没有及时预存货款，款项退回"),
}


def order_story(order: Order) -> Story:
    """Read all of it (main scope)."""
    trail = orders.money_trail(order.station_id, order.id) if _has_cost(order) else None
    return Story(
        steps=_steps(order),
        trail=trail,
        shares=_shares(trail.split) if trail else (),
        price_steps=trail.explain if trail and trail.explain else order.price_explain,
        attempts=_of(PaymentAttempt, order),
        refunds=_of(Refund, order),
        purchases=_of(Purchase, order),
        decisions=_of(RiskDecisionRow, order),
    )


def _has_cost(order: Order) -> bool:
    return db.session.get(OrderCost, (order.station_id, order.id)) is not None


def _of(model: Any, order: Order) -> list[Any]:
    query = select(model).where(model.station_id == order.station_id, model.order_id == order.id)
    return list(db.session.scalars(query.order_by(model.id).limit(50)))


def _steps(order: Order) -> list[Step]:
    return [_step(order, event) for event in orders.timeline(order.id, order.station_id)]


def _step(order: Order, event: Any) -> Step:
    mark = labels.order_mark(event.to_state, order.kind)
    who = texts.actor_text(event.actor, order.station_id)
    reason = REASONS.get(event.reason, event.reason)
    if event.reason.startswith("staff:"):  # who has seen the money on the bank account
        name = texts.actor_text(event.reason, 1)
        reason = _("%(who)s 确认到账", who=name)
    parts = [str(part) for part in (who, reason, *_why(event)) if str(part)]
    return Step(event.at, mark.icon, mark.tone, mark.label, " · ".join(parts))


def _why(event: Any) -> list[str]:
    """Why each supplier was no choice, where that is what happened."""
    if event.reason != "nobody delivers":
        return []
    return [
        f"{one['supplier']}：{supply_words.WHY.get(one['why'], one['why'])}"
        for one in event.detail.get("suppliers", [])
    ]


def _shares(split: Sequence[tuple[str, int]]) -> list[Share]:
    whole = sum(amount for _party, amount in split if amount > 0) or 1
    shares: list[Share] = []
    x = 0.0
    for index, (party, amount) in enumerate(split):
        width = max(amount, 0) * 100 / whole
        shares.append(Share(party_text(party), amount, x, width, index % 5))
        x += width
    return shares


def party_text(party: str) -> Any:
    """A party of a sale in words: cost, rounding, or a station."""
    if party == "cost":
        return _("货款成本")
    if party == "rounding":
        return _("取整差额")
    return texts.station_name(int(party)) if party.isdecimal() else party


def account_text(kind: str, station: str) -> str:
    """An account in words: whose and what for."""
    return f"{station} · {labels.ACCOUNT_KIND.get(kind, kind)}"


def transfer_text(kind: str) -> Any:
    """What a transfer was for."""
    return TRANSFERS.get(kind, kind)


def signed_money(amount: int) -> str:
    """`+0.9500` or `−2.5000`: a step of a price."""
    return plain_money(amount) if amount < 0 else f"+{plain_money(amount)}"
