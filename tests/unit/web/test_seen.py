"""Page views are counted in the process before Redis is asked."""

from __future__ import annotations

from kameng.web import limits


def test_a_new_minute_starts_from_nothing() -> None:
    now = [120.0]
    seen = limits._Seen(lambda: now[0])
    assert [seen.add("1.2.3.4") for _page in range(3)] == [1, 2, 3]
    assert seen.add("5.6.7.8") == 1
    now[0] = 180.0
    assert seen.add("1.2.3.4") == 1
