"""How `make test` spreads over two processes, each with a PostgreSQL and a Valkey of its own.

A file stays in one process, so that its database is made once and its tests keep their order.
All that visits the session's `kameng up` is one unit: a second one would cost a minute.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ON_THE_INSTALLATION = (
    "tests/browser/", "tests/chaos/test_race", "tests/docking/test_document_client",
)  # fmt: skip
# What takes longest begins first: the end should be many short files, not one long one.
BY_LENGTH = (
    *ON_THE_INSTALLATION, "tests/lies/", "tests/fuzz/", "tests/properties/test_shop_machine", "tests/properties/",
    "tests/integration/supply/test_adapters", "tests/docking/", "tests/integration/ops/",
    "tests/isolation/test_crawl", "tests/functional/", "tests/isolation/", "tests/integration/",
)  # fmt: skip


def turn(nodeid: str) -> int:
    """Where a test stands when two processes share the work."""
    places = (n for n, start in enumerate(BY_LENGTH) if nodeid.startswith(start))
    return next(places, len(BY_LENGTH))


class Spreading(LoadScopeScheduling):
    """Gives whole files, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False  # it would begin with those of the most tests
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ON_THE_INSTALLATION):
            return "installation"
        return nodeid.partition("::")[0]
