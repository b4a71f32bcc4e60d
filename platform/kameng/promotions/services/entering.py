"""What follows on the gate's word: a place, PostgreSQL's own decision, or a refusal."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from kameng import redis
from kameng.errors import DomainError
from kameng.promotions.services import gate, reconciling
from kameng.promotions.services.gate import Ticket

# Words that need nobody else: before the start no order can have been made.
REFUSED = {"sold_out": "flash_sold_out", "early": "flash_not_running"}


class FlashRefused(DomainError):
    """The buyer did not get a unit; nothing was ordered and no number is burnt."""

    default_status = 409


MESSAGES = {
    "flash_sold_out": _l("已经抢完了，没有下单"),
    "flash_not_running": _l("这场秒杀现在没有进行，没有下单"),
    "unavailable": _l("抢购的人太多，请稍后再试，没有扣款"),
}


def flash_refused(code: str) -> FlashRefused:
    """The refusal for a code; `unavailable` is a 503 and asks to come back."""
    if code == "unavailable":
        return FlashRefused(code, MESSAGES[code], status=503, retry_after=1)
    return FlashRefused(code, MESSAGES[code])


def enter(ticket: Ticket) -> Ticket | None:
    """Ask the gate; a place, or None: PostgreSQL decides. Raises `FlashRefused`."""
    try:
        return admitted(ticket, gate.enter(ticket))
    except redis.RedisError as error:
        raise flash_refused("unavailable") from error


def admitted(ticket: Ticket, word: str) -> Ticket | None:
    """The same for a word that the gate has given already. Raises `FlashRefused`, Redis errors."""
    if word == "missing":
        found = reconciling.rebuild(ticket.station_id, ticket.sale_no)
        word = gate.enter(ticket) if found == "done" else found
    if word in REFUSED:
        raise flash_refused(REFUSED[word])
    if word in ("missing", "busy"):
        raise flash_refused("unavailable")
    return ticket if word == "reserved" else None  # once, over, unknown
