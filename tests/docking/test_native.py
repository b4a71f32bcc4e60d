"""One Kameng buys from another over the native API: two installations, and HTTP between them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .dock import Dock
from .scenario import STORIES
from .tongues import NATIVE

native = pytest.mark.parametrize("dock", [NATIVE], ids=str, indirect=True)


@native
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_b_docks_to_a(dock: Dock, story: Callable[[Dock], None]) -> None:
    story(dock)
