"""资金轨迹: one order's money in order of time, exact to the unit, to the payout of each level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng.db import db
from kameng.orders.models import Order
from kameng.settlement import api as settlement
from kameng.web.formats import order_no as grouped
from kameng_admin import labels, money_words, texts
from kameng_admin.base.guard import Guarded, Place, found
from kameng_admin.shell import Crumb
from kameng_admin.stories import transfer_text
from kameng_admin.views.payments import way_text


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the page; `amount` None where no money is meant. `icon` and `tone` say what."""

    at: datetime
    icon: str
    tone: str
    what: Any
    note: Any = ""
    amount: int | None = None
    mark: Any = ""


class MoneyTrailView(Guarded, BaseView):
    """Follow the money of one order."""

    need = "ledger.view"
    place = Place(_l("资金"), _l("资金轨迹"), "arrow-right")
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """Ask for an order's number; go to its trail when there is one."""
        asked = "".join(request.args.get("order", "").split())[:40].replace("\0", "")
        orders = list(db.session.scalars(select(Order).where(Order.order_no == asked).limit(2)))
        if len(orders) == 1:
            page = {"station_id": orders[0].station_id, "order_no": orders[0].order_no}
            return redirect(self.get_url(".order_page", **page), 303)
        return self.render("kameng_admin/trail_ask.html", asked=asked, orders=orders)

    @expose("/<int:station_id>/<order_no>")
    def order_page(self, station_id: int, order_no: str) -> Any:
        """Everything that has happened to the money of this order."""
        number = order_no[:40].replace("\0", "")
        known = station_id < 2**63
        trail = found(settlement.order_trail(station_id, number) if known else None)
        return self.render(
            "kameng_admin/trail.html",
            page_title=_("资金轨迹 %(no)s", no=grouped(number)),
            crumbs=self.crumbs(Crumb(grouped(number))),
            trail=trail,
            order=trail.order,
            entries=entries(trail),
            state=labels.order_mark(trail.order.state, trail.order.kind),
            words=money_words,
            labels=labels,
            texts=texts,
            way_text=way_text,
        )


def entries(trail: Any) -> list[Entry]:
    """The lines of the page in order of time; what happened at one moment in the order of cause."""
    order = trail.order
    lines = [Entry(order.created_at, "receipt", "idle", _("下单，应付"), "", order.payable)]
    lines += [_notice(row) for row in trail.notices]
    lines += [_attempt(row) for row in trail.attempts]
    lines += [_leg(leg) for leg in trail.legs]
    lines += [_due(level) for level in trail.levels if level.due_at and level.state == "pending"]
    lines += [_payout(level, p) for level in trail.levels for p in level.payouts]
    lines += [_bill(line) for line in trail.bill_lines]
    return sorted(lines, key=lambda entry: entry.at)


def _notice(row: Any) -> Entry:
    said = _("收到 %(n)s 次", n=row.times) if row.times > 1 else ""
    who = texts.ACTORS.get(row.plugin_id, row.plugin_id)
    return Entry(row.at, "message", "info", _("%(who)s的通知", who=who), said, None, row.result)


def _attempt(row: Any) -> Entry:
    mark = labels.mark(labels.CALL, row.state)
    way = way_text(row.plugin_id, row.method) + (f" · {row.account}" if row.account else "")
    if row.holder != 1:
        way += f" · {texts.station_name(row.holder)}"
    note = f"{grouped(row.attempt_no)} {row.provider_ref}".strip()
    what = _("支付单 · %(way)s", way=way)
    return Entry(row.created_at, "credit-card", mark.tone, what, note, row.amount, mark.label)


def _leg(leg: Any) -> Entry:
    source, target = money_words.account_word(leg.source), money_words.account_word(leg.target)
    tone = "warn" if leg.kind.startswith(("refund.", "return.")) else "ok"
    word = transfer_text(leg.kind)
    return Entry(leg.at, "transfer", tone, f"{source} → {target}", f"T-{leg.id}", leg.amount, word)


def _due(level: Any) -> Entry:
    what = _("%(who)s到期放款", who=texts.station_name(level.party))
    return Entry(level.due_at, "clock", "idle", what, _("还没到"), level.margin - level.returned)


def _payout(level: Any, payout: Any) -> Entry:
    mark = labels.mark(labels.CALL, payout.state)
    what = _("%(who)s提现，含本单", who=texts.station_name(level.party))
    at = payout.done_at or payout.created_at
    return Entry(
        at, "building-bank", mark.tone, what, payout.withdrawal_no, payout.amount, mark.label
    )


def _bill(line: Any) -> Entry:
    word = money_words.KINDS[line.kind]
    name = money_words.channel_word(f"{line.plugin_id}:{line.account}".rstrip(":"))
    what = _("%(name)s %(day)s 的账单：%(word)s", name=name, day=line.day, word=word)
    ref = line.refund_no or line.provider_ref
    return Entry(line.at, "list-check", "ok" if line.done else "warn", what, ref, line.amount)
