"""Whose request it is: keys opened once per process, believed while the epoch lasts."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, replace

from sqlalchemy import text

from kameng import epoch, redis
from kameng.db import db
from kameng.openapi.domain.callers import Caller, Dialect
from kameng.openapi.services import gate, known_keys, uses
from kameng.openapi.services.known_keys import Network, Opened, unsealed
from kameng.openapi.services.refusing import refused

KEPT_S = 300.0  # even when nobody says that something has changed
# A change that closes counts at the gate, at once; one that opens is noticed this soon elsewhere.
ASKED_S = 3.0
TOUCH_S = 300.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests the key may send in a minute, how many are left, when it begins anew."""

    limit: int
    remaining: int
    reset_s: int


def open_key(dialect: Dialect, key_id: str, ip: str) -> tuple[Caller, tuple[str, ...]]:
    """The key and its live secrets, for the caller to check the signature with. Station scope.

    Raises `key_unknown`, `dialect_wrong`, `dialect_off`, `member_locked`, `ip_refused`,
    `unavailable` (without Redis).
    """
    opened = _kept(key_id)
    caller = opened.caller
    if caller.dialect != dialect:
        raise refused("dialect_wrong")
    if not opened.spoken:
        raise refused("dialect_off")
    if not opened.member_active:
        raise refused("member_locked")
    if opened.networks and not _inside(ip, opened.networks):
        raise refused("ip_refused")
    if caller.ip != ip:
        caller = opened.caller = replace(caller, ip=ip)  # most programs call from one place
    return caller, opened.secrets


def admit(caller: Caller, nonce: str = "", *, secret: str = "") -> Allowance:
    """Let a request with a right signature in: count it, spend its nonce.

    `secret`: the one that the signature was made with. Raises `nonce_used`, `too_many`,
    `unavailable`, and what `open_key` raises when the key has just changed.
    """
    return let_in(caller, secret, gate.ask(caller.station_id, caller.key_id, nonce, "", ()))


def let_in(caller: Caller, secret: str, passed: gate.Passed) -> Allowance:
    """What follows on the gate's answer."""
    opened = known_keys.known(caller.station_id, caller.key_id)
    if opened is None or opened.epoch != passed.epoch:
        opened = known_keys.read(caller.station_id, caller.key_id, passed.epoch)
        open_key(caller.dialect, caller.key_id, caller.ip)
        if secret and secret not in opened.secrets:
            raise refused("signature_invalid")
    if not passed.fresh:
        raise refused("nonce_used")
    allowance = Allowance(
        opened.caller.per_minute, max(0, opened.caller.per_minute - passed.used), passed.reset_s
    )
    if passed.used > allowance.limit:
        raise refused("too_many", retry_after=max(1, passed.reset_s))
    if time.monotonic() - opened.touched > TOUCH_S:
        opened.touched = time.monotonic()
        uses.note(caller)
    return allowance


def _kept(key_id: str) -> Opened:
    station, now = known_keys.station_in_hand(), time.monotonic()
    opened = known_keys.known(station, key_id)
    if opened is not None and (now - opened.read_at > KEPT_S or _changed_here(opened)):
        opened = None
    mark = epoch.heard(ASKED_S)
    if mark is None or opened is None or opened.epoch != mark:
        try:
            mark = epoch.current()  # before the row: a change in between must not pass for read
        except redis.RedisError as error:
            raise refused("unavailable") from error
    if opened is not None and opened.epoch == mark:
        return opened
    return known_keys.read(station, key_id, mark)


def _changed_here(opened: Opened) -> bool:
    return opened.own_changes != epoch.own_changes()


def secrets_of(station_id: int, api_key_id: int) -> tuple[str, ...]:
    """The live secrets of a key, to sign a notice with; empty when it is revoked. Any scope."""
    rows = db.session.execute(
        text(
            "SELECT s.sealed FROM api_secret s JOIN api_key k ON k.station_id = s.station_id"
            " AND k.id = s.api_key_id WHERE s.station_id = :station AND k.id = :key"
            " AND s.state = 'live' AND k.state = 'active' ORDER BY s.id"
        ),
        {"station": station_id, "key": api_key_id},
    )
    return tuple(unsealed(station_id, api_key_id, bytes(row.sealed)) for row in rows)


def _inside(ip: str, networks: tuple[Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
