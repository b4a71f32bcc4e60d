"""Learn from the gateway who pays, for ways that want it before they charge.

The browser goes to a page of the gateway and comes back with a code. What goes out (`state`) is
short and of letters and digits alone, as gateways demand; it says by its signature for which order
and which account it was made. What `payer` gives back is a token for `start`.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeTimedSerializer

from kameng.db import db
from kameng.payments.domain.accounts import Unfit
from kameng.payments.services.attempts import scope_station
from kameng.payments.services.choosing import (
    ORDER,
    Goods,
    Judge,
    Option,
    device_word,
    in_turn,
    options_of,
)
from kameng.payments.services.refusing import PaymentRefused, refused
from kameng.plugins import api as plugins
from kameng.runtime import current_settings
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import Device

SALT = "kameng payer"
GOOD_FOR_S = 900
TIME_CHARS, MARK_CHARS = 8, 32
MOST_CODE = 512


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, as one account at one gateway knows the shopper."""

    holder: int
    plugin_id: str
    account: str
    method: str
    payer: str

    def is_of(self, option: Option) -> bool:
        """Whether it is this method of this account."""
        mine = (self.holder, self.plugin_id, self.account), self.method
        return (option.key, option.offered.code) == mine


def needs_payer(plugin_id: str, method: str, *, purpose: str = ORDER) -> bool:
    """Whether this way wants `payer_url` before it is started. Station scope."""
    return any(
        option.offered.method.needs_payer
        for option in options_of(scope_station(), purpose, plugin_id, method)
        if (option.offered.plugin_id, option.offered.code) == (plugin_id, method)
    )


def payer_url(
    bound_to: str, plugin_id: str, method: str, return_url: str, *, amount: int,
    device: Device | str | None = Device.WECHAT, purpose: str = ORDER,
) -> str:  # fmt: skip
    """The page of the gateway that comes back to `return_url` with `state` and `code`.

    `bound_to` is what is paid: an order's number, ``member:5`` for a top-up, ``station:7`` for
    prepaid and deposit. Raises `PaymentRefused` as `start` does. Station scope.
    """
    station_id = scope_station()
    options = options_of(station_id, purpose, plugin_id, method)
    if not options:
        raise refused(Unfit.OFF)
    goods = Goods(bound_to if purpose == ORDER else "")
    fit, against = Judge(station_id, amount, device_word(device), goods).fitting(options)
    if not fit:
        why, option = min(against, key=lambda pair: pair[0])
        raise refused(why, option.terms.opens)
    for option in in_turn([o for o in fit if o.offered.method.needs_payer], plugin_id):
        state = _state(bound_to, option, int(time.time()))
        url = _provider(station_id, option).identify_url(return_url, state)
        if url:
            return url
    raise refused(Unfit.OFF)


def payer(
    bound_to: str, plugin_id: str, method: str, state: str, code: str, *, purpose: str = ORDER
) -> str:
    """Ask the gateway who came back; returns a token for `start(…, payer=…)`. Station scope.

    Raises `PaymentRefused` (`payer_invalid`) for a state of another order, an old one or a code
    that is no good. Calls the gateway: no transaction may be open.
    """
    station_id = scope_station()
    option = _of_state(bound_to, state, options_of(station_id, purpose, plugin_id, method))
    if option is None or not 0 < len(code) <= MOST_CODE:
        raise _invalid()
    db.session.rollback()
    answer = _provider(station_id, option).identify(code)
    if answer.outcome is not Outcome.SUCCEEDED or not answer.value:
        raise _invalid()
    holder, plugin, account = option.key
    told = [bound_to, holder, plugin, account, option.offered.code, answer.value]
    return _serializer().dumps(told)


def read_payer(bound_to: str, token: str) -> Payer:
    """What `payer` gave; raises `PaymentRefused` (`payer_invalid`)."""
    try:
        what, *fields = _serializer().loads(token, max_age=GOOD_FOR_S)
        if what != bound_to:
            raise _invalid()
        return Payer(*fields)
    except (BadSignature, ValueError, TypeError):
        raise _invalid() from None


def _of_state(bound_to: str, state: str, options: list[Option]) -> Option | None:
    if not state.isascii() or not state.isalnum() or len(state) != TIME_CHARS + MARK_CHARS:
        return None
    try:
        made_at = int(state[:TIME_CHARS], 16)
    except ValueError:
        return None
    if not 0 <= time.time() - made_at <= GOOD_FOR_S:
        return None
    for option in options:
        if hmac.compare_digest(_state(bound_to, option, made_at), state):
            return option
    return None


def _state(bound_to: str, option: Option, made_at: int) -> str:
    stamp = f"{made_at:0{TIME_CHARS}x}"
    parts = (stamp, str(scope_station()), bound_to, *map(str, option.key), option.offered.code)
    key = hashlib.sha256(SALT.encode() + current_settings().secret_key.encode()).digest()
    mark = hmac.new(key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()
    return stamp + mark[:MARK_CHARS]


def _provider(station_id: int, option: Option) -> plugins.BoundProvider:
    holder, plugin_id, account = option.key
    return plugins.provider(station_id, plugin_id, holder=holder, account=account)


def _serializer() -> URLSafeTimedSerializer:
    salt = f"{SALT}:{scope_station()}"
    return URLSafeTimedSerializer(current_settings().secret_key, salt=salt)


def _invalid() -> PaymentRefused:
    return PaymentRefused("payer_invalid", _l("没能确认付款人，请重新付款"), status=400)
