"""The main console sees every station's keys and how notices fare."""

from __future__ import annotations

from typing import Any

import pytest

from kameng.db import station_scope

STATION, HERE, LOGIN = 2, "/admin/api-keys", "someone@example.com"


@pytest.fixture(scope="module")
def key(console: Any) -> int:
    """A key of a member of a station, in the insecure dialect."""
    from kameng.openapi import api as openapi

    market = console.market
    base = "http://yehang.localhost:8000"
    member = market.member(market.browser(), LOGIN, base=base)
    with market.app.app_context(), station_scope(STATION):
        openapi.switch_dialect("acg-shared", True, "test")
        made, _secret = openapi.make_key(
            member, name="别家店铺", dialect="acg-shared", sandbox=False,
            networks=("203.0.113.0/24",), callback_url="", actor="test",
        )  # fmt: skip
    return int(market.count("SELECT id FROM api_key WHERE key_id = %s", made))


@pytest.fixture(scope="module")
def notices(console: Any, key: int) -> None:
    """One delivery that is retried, one that is late, one given up; one address that is gone."""
    console.market.owner.execute(
        """
        WITH k AS (SELECT member_id FROM api_key WHERE id = %s),
        e AS (INSERT INTO webhook_endpoint(station_id, member_id, url, events, state, reason, sealed)
              SELECT 2, member_id, 'https://gone.example/in?token=hush', '{}', 'gone', '对方回答 410', 'x'
                FROM k RETURNING id),
        m AS (INSERT INTO webhook_message(station_id, message_no, source, member_id, event, payload)
              SELECT 2, 'msg_1', 'test:1', member_id, 'order.delivered', '{}' FROM k RETURNING id)
        INSERT INTO webhook_delivery(station_id, message_id, endpoint_id, url, state, tries, next_try_at, done_at)
        SELECT 2, m.id, e.id, v.url, v.state, v.tries, now() + v.next, CASE WHEN v.state = 'failed' THEN now() END
          FROM m, e, (VALUES ('https://slow.example/in', 'due', 3, interval '1 hour'),
                             ('https://late.example/in', 'due', 0, interval '-1 hour'),
                             ('https://dead.example/in?token=hush', 'failed', 10, interval '0'),
                             ('https://fine.example/in', 'due', 0, interval '1 minute'))
               v(url, state, tries, next)
        """,
        (key,),
    )


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("", True), ("station=2", True), ("station=1", False), ("dialect=acg-shared", True),
        ("dialect=native", False), ("state=revoked", False), ("mode=live", True), ("tab=clear", True),
        ("tab=open", False), ("member=999999", False), (f"member={LOGIN}", True), ("search=别家", True),
    ],
)  # fmt: skip
def test_keys_are_found_by_what_they_are(console: Any, key: int, query: str, there: bool) -> None:
    page = console.get(f"{HERE}/?{query}")
    assert (f"{HERE}/2/{key}" in page) is there


def test_a_keys_page_warns_and_shows_no_secret(console: Any, key: int) -> None:
    page = console.get(f"{HERE}/2/{key}")
    for text in ("别家店铺", "203.0.113.0/24", "异次元共享店铺", "谁读到一个请求"):
        assert text in page
    assert LOGIN not in page


def test_the_pace_of_a_key_is_changed_within_reason(console: Any, key: int) -> None:
    console.done(f"{HERE}/2/{key}/limit", per_minute="90")
    rate = "SELECT per_minute FROM api_key WHERE id = %s"
    assert console.market.count(rate, key) == 90
    for wrong in ("", "0", "1000001", "many"):
        assert console.post(f"{HERE}/2/{key}/limit", per_minute=wrong).status_code == 422
    assert console.market.count(rate, key) == 90
    assert console.post(f"{HERE}/2/{key}/limit", "support", per_minute="5").status_code == 403


def test_the_main_stations_own_switches(console: Any) -> None:
    page = console.get("/admin/dialects/", "support")
    assert "谁读到一个请求" in page
    assert 'name="dialect"' not in page
    console.done("/admin/dialects/switch", dialect="kakayun", on="0")
    switched = "SELECT count(*) FROM dock_switch WHERE station_id = 1 AND NOT enabled"
    assert console.market.count(switched) == 1
    console.done("/admin/dialects/switch", dialect="kakayun", on="1")
    assert console.market.count(switched) == 0
    assert console.post("/admin/dialects/switch", dialect="nonsense").status_code == 404


def test_notices_in_trouble_are_shown_and_their_tokens_are_not(console: Any, notices: None) -> None:
    page = console.get("/admin/webhooks/", "support")
    for text in ("slow.example", "late.example", "dead.example", "gone.example", "对方回答 410"):
        assert text in page
    for text in ("fine.example", "hush"):
        assert text not in page
    for badge in ("重试中", "已逾时", "已放弃", "已失效"):
        assert badge in page


def test_a_key_is_stopped_with_a_reason(console: Any, key: int) -> None:
    active = "SELECT count(*) FROM api_key WHERE id = %s AND state = 'active'"
    console.post(f"{HERE}/2/{key}/revoke", reason="")
    assert console.market.count(active, key) == 1
    assert console.post(f"{HERE}/2/{key}/revoke", "support", reason="no").status_code == 403
    console.done(f"{HERE}/2/{key}/revoke", "risk", reason="余额被盗用")
    assert console.market.count(active, key) == 0
    trail = (
        "SELECT count(*) FROM audit_event WHERE action = 'api_key.revoke' AND detail::text LIKE %s"
    )
    assert console.market.count(trail, "%余额被盗用%") == 1
    assert "停用" not in console.get(f"{HERE}/2/{key}").split("频率")[1].split("btn-danger")[1:]
