"""Whatever the guarded functions give as a reason, the timeline has words for it."""

import re
from pathlib import Path

import pytest

from kameng_admin.stories import REASONS

PLATFORM = Path(__file__).resolve().parents[3] / "platform/kameng"
# The function, and which of its arguments is the reason.
CALLS = {"_move_order": 5, "_deliver_cards": 6, "_refund_order": 5}
PLACED = re.compile(r"INSERT INTO order_event\([^;]*'(\w+)'\);")
SOURCES = ("notice", "query")  # how `apply_payment` was told of the money


def reasons() -> set[str]:
    found = set(SOURCES)
    for path in PLATFORM.glob("*/sql/*.sql"):
        text = path.read_text(encoding="utf-8")
        found.update(PLACED.findall(text))
        for function, place in CALLS.items():
            for call in re.findall(rf"PERFORM {function}\(([^;]*)\);", text):
                word = call.split(", ")[place]
                found.update([word.strip("'")] if word.startswith("'") else [])
    return found


def test_reasons_are_found_in_the_functions() -> None:
    assert {"placed", "cards claimed", "not paid in time", "money returned"} <= reasons()


@pytest.mark.parametrize("reason", sorted(reasons()))
def test_X4_every_reason_of_a_step_is_said_in_words(reason: str) -> None:
    assert reason in REASONS
