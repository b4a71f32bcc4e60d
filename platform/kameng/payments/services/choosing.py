"""Which accounts can take a payment now, grouped by what is one way to pay for the shopper."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, tuple_

from kameng import epoch
from kameng.breaker import Breaker
from kameng.db import db, main_scope, run
from kameng.ledger.api import wallet
from kameng.payments.domain.accounts import Terms, Unfit, by_weight, fits_device, unfit
from kameng.payments.models import PaymentAccount
from kameng.payments.services.refusing import reason
from kameng.plugins import api as plugins
from kameng_sdk.payments import Device, PaymentCapability

BALANCE = "payment-balance"
ORDER = "order"
MAIN_STATION = 1
CHINA = ZoneInfo("Asia/Shanghai")
MOST_PIECES = 1_000_000
DEVICES = frozenset(device.value for device in Device)

_terms: epoch.Memory[tuple[int, str, str], Terms | None] = epoch.Memory("kameng.payments.terms")


@dataclass(frozen=True, slots=True)
class MethodView:
    """A way to pay on the checkout page; a disabled one says why.

    `way` is one word for methods that are one to the shopper. `needs_payer`: the gateway must
    first tell who pays (`payer_url`). `manual`: the shopper pays by hand, a person confirms.
    """

    plugin_id: str
    code: str
    label: str
    icon: str
    hint: object
    enabled: bool
    reason: object = ""
    way: str = ""
    needs_payer: bool = False
    manual: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One method of one account with its terms."""

    offered: plugins.OfferedMethod
    terms: Terms

    @property
    def key(self) -> tuple[int, str, str]:
        """Holder, plugin, account."""
        return account_key(self.offered)

    @property
    def way(self) -> str:
        """Methods with the same word are one way to the shopper."""
        offered = self.offered
        return offered.method.same_as or f"{offered.plugin_id}:{offered.code}"


@dataclass(frozen=True, slots=True)
class Goods:
    """What is to be paid, as far as known: a station that collects itself must afford it."""

    order_no: str = ""
    sku_code: str = ""
    quantity: int = 1


def methods(
    station_id: int, payable: int, member_id: int | None, *, device: Device | str | None = None,
    purpose: str = ORDER, order_no: str = "", sku_code: str = "", quantity: int = 1,
) -> list[MethodView]:  # fmt: skip
    """Ways to pay `payable` (scale 4) here, the wallet first for members.

    Each way once, under the first method that fits the device; without `device` all are thought
    to fit. `purpose`: order, top_up, prepaid or deposit; all but orders go to the main station's
    accounts. `order_no`, or `sku_code` and `quantity`, tell what a station that collects itself
    must be able to afford. Opens scopes of its own.
    """
    found: list[MethodView] = []
    offered = plugins.enabled_payment_methods(station_id, main_only=purpose != ORDER)
    if purpose == ORDER and member_id is not None and any(o.plugin_id == BALANCE for o in offered):
        found.append(_wallet_method(member_id, payable))
    judge = Judge(station_id, payable, device_word(device), Goods(order_no, sku_code, quantity))
    ways: dict[str, list[Option]] = {}
    for option in with_terms(offered):
        ways.setdefault(option.way, []).append(option)
    return found + [_view(judge, options) for options in ways.values()]


def options_of(station_id: int, purpose: str, plugin_id: str, method: str) -> list[Option]:
    """Every method of every account that is the same way as this one; none when it is not on."""
    offered = plugins.enabled_payment_methods(station_id, main_only=purpose != ORDER)
    options = with_terms(offered)
    way = next(
        (o.way for o in options if (o.offered.plugin_id, o.offered.code) == (plugin_id, method)), ""
    )
    return [option for option in options if option.way == way]


def with_terms(offered: Iterable[plugins.OfferedMethod]) -> list[Option]:
    """Each with the terms of its account; the wallet is none of them."""
    kept = [item for item in offered if item.plugin_id != BALANCE]
    return [Option(item, known_terms(account_key(item))) for item in kept]


def known_terms(key: tuple[int, str, str]) -> Terms:
    """Terms of an account: remembered while it is sound, read now once it has failed."""
    sound = _terms.recall(key, lambda: _sound_terms(key))
    return _terms_now(key) if sound is None else sound


def _sound_terms(key: tuple[int, str, str]) -> Terms | None:
    found = _terms_now(key)
    return found if found.breaker == Breaker() else None


def _terms_now(key: tuple[int, str, str]) -> Terms:
    found = account_terms({key})
    return found[key][0] if key in found else Terms()


def account_terms(
    keys: set[tuple[int, str, str]],
) -> dict[tuple[int, str, str], tuple[Terms, str, str]]:
    """Terms, name and last error of the accounts that have any, in one query."""
    if not keys:
        return {}
    columns = PaymentAccount.station_id, PaymentAccount.plugin_id, PaymentAccount.account
    with main_scope(reason="payment accounts"):
        rows = db.session.scalars(
            select(PaymentAccount).where(tuple_(*columns).in_(sorted(keys)))
        ).all()
        return {
            (row.station_id, row.plugin_id, row.account): (terms_of(row), row.name, row.last_error)
            for row in rows
        }


def terms_of(row: PaymentAccount) -> Terms:
    """A stored row as the rules see it."""
    return Terms(
        weight=row.weight, minimum=row.minimum, maximum=row.maximum,
        daily_limit=row.daily_limit, opens=row.opens, closes=row.closes,
        devices=frozenset(row.devices),
        breaker=Breaker(failures=row.failures, trips=row.trips, broken_until=row.broken_until),
    )  # fmt: skip


class Judge:
    """Judges accounts for one payment. Asks the database only for what it must, and once."""

    def __init__(self, station_id: int, amount: int, device: str, goods: Goods) -> None:
        self.device = device
        self._station_id, self._amount, self._goods = station_id, amount, goods
        self._now = datetime.now(UTC)
        self._local = self._now.astimezone(CHINA)
        self._covered: bool | None = None

    def unfit(self, option: Option) -> Unfit | None:
        """Why this account cannot take this payment; None when it can."""
        method = option.offered.method
        if not self.works_here(option):
            return Unfit.DEVICE
        if method.minimum is not None and self._amount < method.minimum.amount:
            return Unfit.TOO_SMALL
        if method.maximum is not None and self._amount > method.maximum.amount:
            return Unfit.TOO_LARGE
        found = unfit(option.terms, self._amount, self.device, self._local, self._now)
        if found is not None:
            return found
        if option.terms.daily_limit is not None and not self._room(option):
            return Unfit.LIMIT
        if option.offered.account_station_id != MAIN_STATION and not self._affordable():
            return Unfit.FUNDS
        return None

    def drawn(self, fit: Sequence[Option]) -> list[Option]:
        """Several gateways have the same way: the one shown is drawn by weight.

        The same goods at the same price see the same one for ten minutes, so that a form which
        comes back still has what was chosen.
        """
        slot = int(self._now.timestamp()) // 600
        seed = (self._station_id, self._amount, self.device, self._goods, fit[0].way, slot)
        digest = hashlib.sha256(repr(seed).encode()).digest()
        chances = [
            int.from_bytes(hashlib.sha256(digest + bytes([n])).digest()[:7])
            for n in range(len(fit))
        ]
        return [fit[n] for n in by_weight([option.terms.weight for option in fit], chances)]

    def works_here(self, option: Option) -> bool:
        """Whether method and account fit the browser."""
        devices = frozenset(device.value for device in option.offered.method.devices)
        return fits_device(devices, self.device) and fits_device(option.terms.devices, self.device)

    def fitting(
        self, options: Sequence[Option], asked: tuple[str, str] = ("", "")
    ) -> tuple[list[Option], list[tuple[Unfit, Option]]]:
        """One option for each account that fits, and why the others do not.

        Of several that fit at one account the one `asked` for (plugin, method) comes first; where
        the browser is unknown, what needs a payer comes last.
        """
        fit: dict[tuple[int, str, str], Option] = {}
        against: list[tuple[Unfit, Option]] = []
        for option in sorted(options, key=lambda each: self._rank(each, asked)):
            if option.key in fit:
                continue
            why = self.unfit(option)
            if why is None:
                fit[option.key] = option
            else:
                against.append((why, option))
        found = list(fit.values())
        if not self.device:  # an account kept for some browsers is not for one nobody knows
            found = [option for option in found if not option.terms.devices] or found
        return found, against

    def _rank(self, option: Option, asked: tuple[str, str]) -> tuple[bool, bool]:
        offered = option.offered
        unsure = not self.device and offered.method.needs_payer
        return (offered.plugin_id, offered.code) != asked, unsure

    def _room(self, option: Option) -> bool:
        with main_scope(reason="payment accounts"):
            return has_room(self._station_id, option, self._amount, lock=False)

    def _affordable(self) -> bool:
        if self._covered is None:
            goods = self._goods
            with main_scope(reason="payment accounts"):
                row = run(
                    "prepaid_covers", p_station=self._station_id, p_order_no=goods.order_no,
                    p_sku=goods.sku_code, p_quantity=min(max(goods.quantity, 1), MOST_PIECES),
                )[0]  # fmt: skip
            self._covered = bool(row["covered"])
        return self._covered


def has_room(station_id: int, option: Option, amount: int, *, lock: bool) -> bool:
    """Whether the day's limit leaves room; with `lock` others wait for this transaction."""
    holder, plugin_id, account = option.key
    row = run(
        "account_room", p_station=station_id, p_holder=holder, p_plugin=plugin_id,
        p_account=account, p_amount=amount, p_lock=lock,
    )[0]  # fmt: skip
    return bool(row["room"])


def in_turn(options: Sequence[Option], plugin_id: str = "") -> list[Option]:
    """The order in which to try accounts, thrown by their weights; first those of `plugin_id`."""
    weights = [option.terms.weight for option in options]
    order = by_weight(weights, [secrets.randbits(62) for _ in weights])
    return sorted((options[n] for n in order), key=lambda o: o.offered.plugin_id != plugin_id)


def account_key(offered: plugins.OfferedMethod) -> tuple[int, str, str]:
    """Holder, plugin, account."""
    return offered.account_station_id, offered.plugin_id, offered.account


def device_word(device: Device | str | None) -> str:
    """Its word; "" for unknown, which everything fits."""
    word = device.value if isinstance(device, Device) else device or ""
    return word if word in DEVICES else ""


def _view(judge: Judge, options: Sequence[Option]) -> MethodView:
    fit, against = judge.fitting(options)
    if len({option.offered.plugin_id for option in fit}) > 1:
        fit = judge.drawn(fit)
    shown, why = (fit[0], None) if fit else (options[0], min(against, key=lambda pair: pair[0]))
    offered = shown.offered
    return MethodView(
        offered.plugin_id, offered.code, offered.label, offered.icon, offered.plugin_name,
        why is None, reason(why[0], why[1].terms.opens) if why else "",
        way=offered.method.same_as or offered.code, needs_payer=offered.method.needs_payer,
        manual=PaymentCapability.MANUAL_CONFIRM in offered.capabilities,
    )  # fmt: skip


def _wallet_method(member_id: int, payable: int) -> MethodView:
    enough = wallet(member_id) >= payable
    why = "" if enough else _l("余额不足，可先充值")
    return MethodView(
        BALANCE,
        "balance",
        str(_l("余额")),
        "wallet",
        _l("付完立刻发货"),
        enough,
        why,
        way="balance",
    )
