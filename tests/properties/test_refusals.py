"""What guarded functions refuse, in the states and with the numbers that nobody should send them."""

from __future__ import annotations

from typing import Any

import pytest

from . import locking as made
from .gate import Gate

ROOM = "SELECT room FROM account_room(3, 1, 'payment-gate', '{account}', {amount}, false)"
FAIL = "SELECT code FROM fail_order(3, {order}, 'x', 's')"
ASK = "SELECT code FROM request_difference(1, {id}, 'lost', 's')"
WITHDRAW = """SELECT code FROM request_withdrawal(2, {amount}, '{kind}', '{{"account": "622000", "name": "Wu"{more}}}', 's', '{{key}}')"""


def closed(shop: Any) -> made.Names:
    found = made.difference(shop)
    shop.plant(f"UPDATE bill_difference SET state = 'resolved' WHERE id = {found['id']}")
    return found


def even(shop: Any) -> made.Names:
    found = made.difference(shop)
    shop.plant(f"UPDATE bill_difference SET theirs = ours WHERE id = {found['id']}")
    return found


def of_station(shop: Any) -> made.Names:
    return made.difference(shop, 2)


def partly_come(shop: Any) -> made.Names:
    """An order whose purchase has brought a piece; nobody has said so to the order yet."""
    found = made.taken(shop)
    shop.plant(
        f"UPDATE purchase SET state = 'succeeded', delivered = 1 WHERE id = {found['purchase']}"
    )
    return found


def withdraw(amount: int = 50000, kind: str = "bank", more: str = ', "bank": "ICBC"') -> str:
    return WITHDRAW.format(amount=amount, kind=kind, more=more).replace("{", "{{").replace("}", "}}").replace("{{key}}", "{key}")


def poor(shop: Any) -> made.Names:
    """An agreed move of more than a station has earned, which its floor alone would let through."""
    made.earned(shop)
    return {"id": made.agreed_move(shop, 1500100)}


REFUSALS: dict[str, tuple[made.Prepare, str, Any]] = {
    "a delivered order does not fail": (made.delivered, FAIL, "bad_state"),
    "an unpaid order does not fail": (made.unpaid, FAIL, "bad_state"),
    "a held order does not fail": (made.held, FAIL, "bad_state"),
    "an order of which something has come does not fail": (partly_come, FAIL, "delivered"),
    "a payee at no bank": (made.earned, withdraw(more=""), "payee_invalid"),
    "a payee of an unknown kind": (made.earned, withdraw(kind="cash"), "payee_invalid"),
    "nobody's difference": (made.limited, ASK.replace("{id}", "0"), "not_found"),
    "a closed difference is not asked for": (closed, ASK, "bad_state"),
    "where nothing differs nothing is asked for": (even, ASK, "bad_state"),
    "what is asked for has a reason": (made.difference, ASK.replace("lost", " "), "note_missing"),
    "a station's own account is its own matter": (of_station, ASK.replace("(1,", "(2,"), "not_ours"),
    "an account has its own limit": (made.limited, ROOM.format(account="tight", amount=101), False),
    "and room up to it": (made.limited, ROOM.format(account="tight", amount=100), True),
    "another account does not share it": (made.limited, ROOM.format(account="", amount=101), True),
    "an adjustment makes no debt": (poor, "SELECT code FROM post_adjustment(2, {id})", "KM003"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_function_keeps_to_its_rules(shop: Any, gate: Gate, database: str, name: str) -> None:
    prepare, call, code = REFUSALS[name]
    assert made.told(database, call.format(**prepare(shop))) == code
