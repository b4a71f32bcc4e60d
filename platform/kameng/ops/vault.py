"""`kameng vault`: change keys of the card vault while the shop stays open."""

from __future__ import annotations

from kameng.db import main_scope
from kameng.identity import api as identity
from kameng.openapi import api as openapi
from kameng.plugins import api as plugins
from kameng.stock import api as stock
from kameng.suppliers import api as suppliers
from kameng.webhooks import api as webhooks

CARDS_PER_STEP = 10_000


def rotate() -> str:
    """Make a new data key for cards; old ones stay readable. Needs an app context."""
    with main_scope(reason="vault rotate"):
        return f"new cards are encrypted under data key {stock.rotate_keys()}"


def rewrap() -> str:
    """Move all that the master key protects to the present one. Needs an app context."""
    with main_scope(reason="vault rewrap"):
        keys = stock.rewrap_keys()
        people = identity.reseal_second_factors()
        papers = suppliers.reseal_all()
        hooks = webhooks.reseal_all()
        programs = openapi.reseal_all()
    secrets = plugins.reseal_all()
    return (
        f"under the present master key now: {keys} data keys moved, second factors of {people}"
        f" staff, {papers} papers and keys of suppliers, keys of {hooks} webhook endpoints,"
        f" {programs} secrets of programs"
        f" and secrets of {secrets} plugin settings sealed again"
    )


def reencrypt() -> str:
    """Move every card to the newest data key; can be stopped and repeated."""
    moved = 0
    while True:
        with main_scope(reason="vault reencrypt"):
            step = stock.reencrypt(CARDS_PER_STEP)
        moved += step
        if step == 0:
            return f"{moved} cards were encrypted again"
