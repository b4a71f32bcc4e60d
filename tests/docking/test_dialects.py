"""One Kameng buys from another as other systems would: our clients of four dialects, our servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .dock import Dock
from .scenario import STORIES
from .tongues import DIALECTS


@pytest.mark.parametrize("dock", DIALECTS, ids=str, indirect=True)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_b_docks_to_a(dock: Dock, story: Callable[[Dock], None]) -> None:
    story(dock)
