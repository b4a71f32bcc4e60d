"""Start to collect: choose a way and an account, open an attempt, call the gateway."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask_babel import lazy_gettext as _l

from kameng import recovery
from kameng.db import db
from kameng.errors import Forbidden
from kameng.orders.api import OrderView, order_page
from kameng.payments.domain.accounts import Unfit
from kameng.payments.services.attempts import (
    Demand,
    Opened,
    find_open,
    first_account,
    give_up,
    new_attempt,
    open_for,
    scope_station,
)
from kameng.payments.services.breaking import begin_trial
from kameng.payments.services.charging import Started, Visit, answered, charge, told
from kameng.payments.services.choosing import (
    BALANCE,
    MAIN_STATION,
    ORDER,
    Goods,
    Judge,
    Option,
    device_word,
    in_turn,
    options_of,
)
from kameng.payments.services.identifying import Payer, read_payer
from kameng.payments.services.refusing import PaymentRefused, refused
from kameng.risk import api as risk
from kameng_sdk.payments import Device

TOP_UP_MIN, TOP_UP_MAX = 1_0000, 50_000_0000  # ¥1 … ¥50,000
STATION_MAX = 1_000_000_0000  # ¥1,000,000 into a station's prepaid account or deposit
TOP_UP_MINUTES = 30
PURPOSES = {"prepaid": _l("预存款充值"), "deposit": _l("保证金充值")}


def start(
    order_no: str, plugin_id: str, method: str, client_ip: str, *, return_url: str,
    locale: str = "", device: Device | str | None = None, payer: str = "",
) -> Started:  # fmt: skip
    """Open an attempt for an unpaid order and call the gateway (station scope).

    The account is chosen among all that offer the same way; when nothing could be sent the next
    one is tried. A second click finds the open attempt of the same way and returns it, waiting for
    the gateway's answer to the first. `payer` is what `payer()` gave, for methods that need it.
    Raises `PaymentRefused` (`not_payable`, `method_unknown`, `gateway_declined`, `wrong_browser`,
    `amount_too_small`, `amount_too_large`, `closed_now`, `limit_reached`, `station_funds`,
    `gateway_away`, `payer_needed`, `payer_invalid`) or `NotFound`.
    """
    order = order_page(order_no)
    if order.state != "pending_payment" or order.expires_at <= datetime.now(UTC):
        raise PaymentRefused("not_payable", _l("订单已不能付款"))
    visit = Visit(client_ip=client_ip, return_url=return_url, locale=locale, device=device)
    return collect(_order_demand(order), plugin_id, method, visit, payer)


def open_attempt(order_no: str, plugin_id: str, method: str) -> str:
    """Open an attempt without calling the gateway; returns its number (station scope).

    For money that arrives without a charge of ours. Raises as `start` does.
    """
    order = order_page(order_no)
    if order.state != "pending_payment":
        raise PaymentRefused("not_payable", _l("订单已不能付款"))
    return _without_charge(_order_demand(order), plugin_id, method, state="sent")


def open_top_up(member_id: int, amount: int, plugin_id: str, method: str) -> str:
    """Open an attempt that fills a wallet, without calling the gateway; returns its number."""
    return _without_charge(_top_up_demand(member_id, amount), plugin_id, method)


def start_top_up(
    member_id: int, amount: int, plugin_id: str, method: str, client_ip: str, *, return_url: str,
    locale: str = "", device: Device | str | None = None, payer: str = "",
) -> Started:  # fmt: skip
    """Open an attempt that fills a member's wallet (scale 4, whole fen), at the main station.

    A wallet has no desk where money could wait for a person, so what the rules would hold is not
    begun: raises `PaymentRefused("risk_refused")`, and as `start` does.
    """
    demand = _top_up_demand(member_id, amount)  # a slip of the pen is no try for the rules
    _require_way(demand, plugin_id, method)
    decision, _reasons = risk.assess_order(
        demand.station_id, "wallet_top_up", client_ip, member_id, "", amount, None,
        secrets.token_hex(12),
    )  # fmt: skip
    if decision != "allow":
        raise PaymentRefused("risk_refused", _l("操作太频繁，请稍后再试。"), status=429)
    visit = Visit(client_ip=client_ip, return_url=return_url, locale=locale, device=device)
    return collect(demand, plugin_id, method, visit, payer)


def start_station_payment(
    purpose: str, amount: int, plugin_id: str, method: str, actor: str, client_ip: str, *,
    return_url: str, locale: str = "", device: Device | str | None = None, payer: str = "",
) -> Started:  # fmt: skip
    """A station pays the main one: `prepaid` or `deposit` (scale 4, whole fen; station scope).

    `actor` is like ``staff:3``. Raises as `start` does, `PaymentRefused("amount_invalid")`, and
    `Forbidden` at the main station, which would pay itself.
    """
    station_id = scope_station()
    if station_id == MAIN_STATION or purpose not in PURPOSES:
        raise Forbidden("main_station", _l("主站不用给自己充值"))
    if not _sound(amount, STATION_MAX):
        words = _l("金额要在 1 元到 1000000 元之间，最多两位小数")
        raise PaymentRefused("amount_invalid", words, status=400)
    demand = Demand(
        station_id=station_id, purpose=purpose, amount=amount, subject=str(PURPOSES[purpose]),
        expires_at=datetime.now(UTC) + timedelta(minutes=TOP_UP_MINUTES),
        links={"opened_by": actor}, bound_to=f"station:{station_id}",
    )  # fmt: skip
    visit = Visit(client_ip=client_ip, return_url=return_url, locale=locale, device=device)
    return collect(demand, plugin_id, method, visit, payer)


def takes_amount(purpose: str, amount: int) -> bool:
    """Whether `start_top_up` (``top_up``) or `start_station_payment` would begin with an amount."""
    return _sound(amount, STATION_MAX if purpose in PURPOSES else TOP_UP_MAX)


def collect(
    demand: Demand, plugin_id: str, method: str, visit: Visit, token: str,
    failed: tuple[Option, Opened] | None = None,
) -> Started:  # fmt: skip
    """One account after the other, until one has been asked; `failed` could not be asked before."""
    if recovery.active():  # it may have been paid in the time that is forgotten
        words = _l("系统正在恢复数据，暂停付款。已付的款不会丢失，请稍后再看订单")
        raise PaymentRefused("recovering", words, status=503)
    known = read_payer(demand.bound_to, token) if token else None
    options, pairs = choose(demand, plugin_id, method, visit.device, known)
    device = device_word(visit.device)
    if known is not None:
        visit = Visit(
            client_ip=visit.client_ip, return_url=visit.return_url, locale=visit.locale,
            device=visit.device, payer=known.payer,
        )  # fmt: skip
    tried, last = failed or (None, None)
    for option in options:
        if tried is not None and option.key == tried.key:
            continue
        trial = option.terms.breaker.broken_until is not None
        if trial and not begin_trial(option.key):
            continue
        but = last.id if last else None
        opened = open_for(demand, option, device, visit.payer, pairs, but)
        if opened is None:
            continue
        if not opened.fresh:
            return _of_other_click(demand, pairs, visit.payer, opened.number)
        started = charge(demand, option, opened, visit, trial)
        if started is not None:
            return started
        last = opened
    if last is None:  # while we chose, others took the trial or the rest of the day's limit
        raise refused(Unfit.BROKEN)
    give_up(demand.station_id, last.id, "nothing was sent")
    db.session.commit()
    return told(Started(last.number, "declined", "", ""))


def choose(
    demand: Demand, plugin_id: str, method: str, device: Device | str | None, known: Payer | None,
    options: Sequence[Option] | None = None,
) -> tuple[list[Option], set[tuple[str, str]]]:  # fmt: skip
    """The accounts that may take this payment, in the order in which to try them.

    Those of the gateway that was shown come first; others of the same way stand in for them.

    And all (plugin, method) of the way that work in this browser: an open attempt of these is as
    good as a new one. `options` are all of the way, where they are known already. Raises
    `PaymentRefused` with the reason when there is none.
    """
    if options is None:
        options = options_of(demand.station_id, demand.purpose, plugin_id, method)
    if known is not None:
        options = [o for o in options if known.is_of(o)]
    if not options:
        raise refused(Unfit.OFF)
    goods = Goods(demand.order_no)
    judge = Judge(demand.station_id, demand.amount, device_word(device), goods)
    fit, against = judge.fitting(options, (plugin_id, method))
    if not fit:
        why, option = min(against, key=lambda pair: pair[0])
        raise refused(why, option.terms.opens)
    named = [o for o in fit if known is not None or not o.offered.method.needs_payer]
    if not named:
        raise PaymentRefused("payer_needed", _l("请先在微信里确认付款人"))
    alike = [o for o in options if judge.device and judge.works_here(o)] + named
    return in_turn(named, plugin_id), {(o.offered.plugin_id, o.offered.code) for o in alike}


def _of_other_click(
    demand: Demand, pairs: set[tuple[str, str]], payer: str, number: str
) -> Started:
    """What the click that came first got, also when it had to go on to another account."""
    while True:
        started = answered(number)
        if started.state != "declined":
            return started
        newer = find_open(demand, pairs, payer)
        number_now = newer.attempt_no if newer else ""
        db.session.rollback()
        if not number_now or number_now == number:
            return told(started)
        number = number_now


def _require_way(demand: Demand, plugin_id: str, method: str) -> None:
    if not options_of(demand.station_id, demand.purpose, plugin_id, method):
        raise refused(Unfit.OFF)


def _without_charge(demand: Demand, plugin_id: str, method: str, state: str = "created") -> str:
    holder = first_account(demand.station_id, plugin_id, demand.purpose)
    created = new_attempt(demand, plugin_id, method, holder, "", state=state)
    number = created.attempt_no
    db.session.add(created)
    db.session.commit()
    return number


def _order_demand(order: OrderView) -> Demand:
    return Demand(
        station_id=order.station_id, purpose=ORDER, amount=order.payable,
        subject=f"{order.product_name} {order.sku_name}"[:60], expires_at=order.expires_at,
        links={"order_id": order.id, "member_id": order.member_id}, order_no=order.order_no,
        bound_to=order.order_no,
    )  # fmt: skip


def _top_up_demand(member_id: int, amount: int) -> Demand:
    if not _sound(amount, TOP_UP_MAX):
        words = _l("充值金额要在 1 元到 50000 元之间，最多两位小数")
        raise PaymentRefused("amount_invalid", words, status=400)
    return Demand(
        station_id=scope_station(), purpose="top_up", amount=amount,
        subject=str(_l("余额充值")),
        expires_at=datetime.now(UTC) + timedelta(minutes=TOP_UP_MINUTES),
        links={"member_id": member_id}, bound_to=f"member:{member_id}",
    )  # fmt: skip


def _sound(amount: int, most: int) -> bool:
    return TOP_UP_MIN <= amount <= most and not amount % 100


__all__ = [
    "BALANCE", "PaymentRefused", "Started", "choose", "collect", "open_attempt", "open_top_up",
    "start", "start_station_payment", "start_top_up", "takes_amount",
]  # fmt: skip
