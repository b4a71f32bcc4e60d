"""`kameng vault`: change keys of the card vault while the shop stays open."""

from __future__ import annotations

from kameng.db import main_scope
from kameng.stock import api as stock

CARDS_PER_STEP = 10_000


def rotate() -> str:
    """Make a new data key for cards; old ones stay readable. Needs an app context."""
    with main_scope(reason="vault rotate"):
        return f"new cards are encrypted under data key {stock.rotate_keys()}"


def rewrap() -> str:
    """Wrap all data keys under the present master key. Needs an app context."""
    with main_scope(reason="vault rewrap"):
        return f"{stock.rewrap_keys()} data keys are wrapped under the present master key"


def reencrypt() -> str:
    """Move every card to the newest data key; can be stopped and repeated."""
    moved = 0
    while True:
        with main_scope(reason="vault reencrypt"):
            step = stock.reencrypt(CARDS_PER_STEP)
        moved += step
        if step == 0:
            return f"{moved} cards were encrypted again"
