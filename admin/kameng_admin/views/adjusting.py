"""调账: money moved by people's decision. One asks here, another one agrees at 审批."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask import request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.ledger import api as ledger
from kameng.ledger.models import Adjustment
from kameng.web.formats import plain_money
from kameng.web.limits import client_ip
from kameng_admin import labels, people, texts
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.cells import badge, code
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals_number
from kameng_admin.base.forms import parse_amount
from kameng_admin.base.guard import Place, may, needs
from kameng_admin.base.model_view import SecureModelView
from kameng_admin.shell import back_or
from kameng_admin.views.orders import station_choices
from kameng_admin.views.payments import DAYS

MEMBER_WORDS = {("adjustment", "wallet"): _l("加余额"), ("wallet", "adjustment"): _l("减余额")}


def pair_text(debit: str, credit: str) -> str:
    """`保证金 → 主站收入`."""
    names = [labels.ACCOUNT_KIND.get(kind, kind) for kind in (debit, credit)]
    return f"{names[0]} → {names[1]}"


def member_pairs() -> Sequence[tuple[str, Any]]:
    """What can be done with a wallet, for a select."""
    return [(f"{a}>{b}", MEMBER_WORDS[a, b]) for a, b in ledger.MEMBER_PAIRS]


def station_pairs() -> Sequence[tuple[str, Any]]:
    """What can be done with a station's accounts, for a select."""
    return [(f"{a}>{b}", pair_text(a, b)) for a, b in ledger.STATION_PAIRS]


def adjusting(station_id: int, member_id: int | None = None) -> dict[str, Any]:
    """What the card on a member's or a station's page needs."""
    if not may("ledger.adjust") and not may("ledger.view"):
        return {"adjusting": None}
    return {
        "adjusting": {
            "pairs": member_pairs() if member_id else station_pairs(),
            "recent": ledger.adjustments(station_id, member_id=member_id, limit=6),
            "funds": None if member_id else ledger.station_funds(station_id),
            "key": secrets.token_urlsafe(18),
            "member_id": member_id or "",
            "station_id": station_id,
        },
        "pair_text": pair_text,
    }


class AdjustmentsView(SecureModelView):
    """Every adjustment that was asked for, with its state."""

    need = "ledger.view"
    place = Place(_l("资金"), _l("调账"), "switch-horizontal")
    search_in = ("reason",)
    search_hint = _l("原因")
    order = ("id", True)
    note = _l("在会员页或分站页发起，另一个人在审批里批准")
    empty = (
        "switch-horizontal", _l("还没有调账"), _l("在会员页或分站页发起，另一个人批准后入账。"),
    )  # fmt: skip
    columns = (
        Column("id", _l("编号"), lambda a: code(f"A-{a.id}"), phone="title"),
        Column("created_at", _l("时间"), css="km-nowrap"),
        Column("station_id", _l("分站"), lambda a: texts.station_name(a.station_id), phone="meta"),
        Column("debit_kind", _l("从 → 到"), lambda a: _pair(a)),
        Column(
            "amount", _l("金额（元）"), lambda a: plain_money(a.amount),
            css="is-num is-strong", phone="amount",
        ),
        Column("reason", _l("原因"), css="is-clip"),
        Column("requested_by", _l("申请人"), lambda a: texts.actor_text(a.requested_by)),
        Column(
            "state", _l("状态"), lambda a: badge(labels.mark(labels.ADJUSTMENT, a.state)),
            phone="state",
        ),
    )  # fmt: skip
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("waiting", _l("等批准"), lambda: Adjustment.state == "waiting"),
    )
    filters_offered = (
        Filter("day", _l("时间"), day_of(Adjustment.created_at), "day", choices=lambda: DAYS),
        Filter(
            "station", _l("分站"), equals_number(Adjustment.station_id), choices=station_choices
        ),
    )

    @expose("/request/<int:station_id>", methods=("POST",))
    @needs("ledger.adjust")
    def ask(self, station_id: int) -> Any:
        """Ask for one; nothing moves yet."""
        raw, actor = request.form, people.actor()

        def deed() -> int:
            debit, _arrow, credit = raw.get("pair", "").partition(">")
            member = raw.get("member_id", "")[:19]
            reason = reason_given(raw.get("reason"))
            return ledger.request_adjustment(
                station_id, (debit[:20], member if debit == "wallet" else ""),
                (credit[:20], member if credit == "wallet" else ""),
                _amount(raw.get("amount", "")), reason, actor, raw.get("key", "")[:60], client_ip(),
            )  # fmt: skip

        back = back_or(str(self.get_url(".index_view")))
        return attempt(deed, _asked, back)


def _asked(number: int) -> str:
    return str(_("调账申请 A-%(no)s 已提交，等另一个人批准", no=number))


def _pair(row: Adjustment) -> str:
    words = pair_text(row.debit_kind, row.credit_kind)
    member = row.debit_ref or row.credit_ref
    return f"{words} · {_('会员 %(no)s', no=member)}" if member else words


def _amount(raw: str) -> int:
    try:
        return parse_amount(raw.strip().replace(",", "").lstrip("¥￥") or "?")
    except ValueError as problem:
        raise DomainError("amount_invalid", str(problem)) from None
