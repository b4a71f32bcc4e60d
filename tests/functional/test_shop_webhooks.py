"""A member's notification addresses: shown, tested, replayed, rotated, removed; without script."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kameng.webhooks import api as webhooks

URL = "https://hooks.example.com/kameng"


@pytest.fixture(scope="module")
def owner_of_one(market: Any) -> tuple[Any, int]:
    """A member who is signed in (registering is limited, so the tests share one)."""
    browser = market.browser()
    return browser, market.member(browser, "hooks@example.com")


@pytest.fixture
def number(market: Any, owner_of_one: tuple[Any, int]) -> int:
    """An endpoint of the member; the others are gone."""
    browser, member = owner_of_one
    market.owner.execute("UPDATE webhook_endpoint SET state = 'removed'")
    answer = market.post(browser, "/me/webhooks/new", {"url": URL, "about": "仓库"})
    assert answer.status_code == 200, answer.text[:500]
    return int(market.count("SELECT max(id) FROM webhook_endpoint WHERE member_id = %s", member))


def send_all(market: Any) -> None:
    """A worker makes the tries that are due."""
    due = market.owner.execute(
        "SELECT station_id, id, tries FROM webhook_delivery WHERE state = 'due' ORDER BY id"
    ).fetchall()
    with market.app.app_context():
        for one in due:
            webhooks.send_delivery(*one)


def at_the_simulators(market: Any, number: int, path: str) -> None:
    """Listen where the demo's simulators are: the one private address that may be called."""
    with market.app.app_context():
        from kameng.runtime import current_settings

        base = current_settings().simulator_url
    market.owner.execute(
        "UPDATE webhook_endpoint SET url = %s WHERE id = %s", (f"{base}{path}", number)
    )


def test_guests_are_sent_to_the_login(market: Any) -> None:
    answer = market.browser().get("/me/webhooks", base_url="http://main.localhost:8000")
    assert answer.status_code == 302
    assert "/login" in answer.location


def test_without_an_address_the_page_says_what_they_are_for(
    market: Any, owner_of_one: tuple[Any, int]
) -> None:
    browser, _member = owner_of_one
    market.owner.execute("UPDATE webhook_endpoint SET state = 'removed'")
    page = market.get(browser, "/me/webhooks")
    assert "还没有通知地址" in page
    assert 'href="/me/api"' in page
    assert "还没有这样的通知" in market.get(browser, "/me/webhooks/orders")


def test_the_secret_is_on_the_answer_and_nowhere_else(
    market: Any, owner_of_one: tuple[Any, int]
) -> None:
    browser, _member = owner_of_one
    market.owner.execute("UPDATE webhook_endpoint SET state = 'removed'")
    form = {"url": URL, "about": "仓库", "event": "order.delivered"}
    answer = market.post(browser, "/me/webhooks/new", form)
    assert answer.headers["Cache-Control"] == "no-store"
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.text)
    assert secret is not None
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", answer.text)
    listed = market.get(browser, "/me/webhooks")
    assert "仓库" in listed
    home = re.search(r'href="(/me/webhooks/\d+)"', listed)
    assert home is not None
    detail = market.get(browser, home[1])
    assert URL in detail
    assert 'value="order.delivered" checked' in detail
    assert secret[0] not in listed + detail


@pytest.mark.parametrize("url", ["", "http://10.0.0.1/", "http://localhost/", "ftp://example.com/"])
def test_an_address_that_cannot_be_used_is_told_at_its_field(
    market: Any, owner_of_one: tuple[Any, int], number: int, url: str
) -> None:
    browser, _member = owner_of_one
    for path in ("/me/webhooks/new", f"/me/webhooks/{number}"):
        answer = market.post(browser, path, {"url": url, "about": "x"})
        assert answer.status_code == 400
        assert "这个地址用不了" in answer.text
        assert 'aria-invalid="true"' in answer.text


def test_a_test_is_sent_and_its_tries_are_shown(
    market: Any, owner_of_one: tuple[Any, int], number: int
) -> None:
    browser, _member = owner_of_one
    home = f"/me/webhooks/{number}"
    assert "还没有通知" in market.get(browser, home)
    at_the_simulators(market, number, "/nothing-listens-here")
    assert market.post(browser, f"{home}/test", {}).status_code == 303
    assert "待发送" in market.get(browser, home)
    send_all(market)
    page = market.get(browser, home)
    assert "webhook.test" in page
    assert "HTTP 404" in page
    assert "最近失败" in page
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page)
    market.owner.execute("UPDATE webhook_delivery SET state = 'failed', next_try_at = NULL")
    again = market.post(browser, f"{home}/replay", {"hours": "1"})
    assert again.status_code == 303
    assert "正在补发 1 条" in market.get(browser, home)
    delivery = market.count("SELECT max(id) FROM webhook_delivery WHERE endpoint_id = %s", number)
    one = market.post(
        browser, f"/me/webhooks/deliveries/{delivery}/replay", {"endpoint": str(number)}
    )
    assert one.headers["Location"] == home


def test_an_address_is_paused_resumed_changed_and_removed(
    market: Any, owner_of_one: tuple[Any, int], number: int
) -> None:
    browser, _member = owner_of_one
    home = f"/me/webhooks/{number}"
    market.post(browser, f"{home}/pause", {})
    assert "已暂停" in market.get(browser, home)
    market.post(browser, f"{home}/test", {})
    assert "请先恢复" in market.get(browser, home)
    market.post(browser, f"{home}/resume", {})
    assert "正常" in market.get(browser, home)
    changed = market.post(browser, home, {"url": f"{URL}/2", "about": "新仓库"})
    assert changed.status_code == 303
    assert f"{URL}/2" in market.get(browser, home)
    rotated = market.post(browser, f"{home}/rotate", {})
    assert "whsec_" in rotated.text
    assert "新旧两个密钥都会签名" in rotated.text
    market.post(browser, f"{home}/remove", {})
    assert browser.get(home, base_url="http://main.localhost:8000").status_code == 404
    assert "还没有通知地址" in market.get(browser, "/me/webhooks")


def test_reasons_of_an_end_are_told(
    market: Any, owner_of_one: tuple[Any, int], number: int
) -> None:
    browser, _member = owner_of_one
    for state, reason, words in (
        ("gone", "gone", "对方不再接收"), ("paused", "failing", "连续 5 天没有一次成功"),
    ):  # fmt: skip
        market.owner.execute(
            "UPDATE webhook_endpoint SET state = %s, reason = %s WHERE id = %s",
            (state, reason, number),
        )
        assert words in market.get(browser, f"/me/webhooks/{number}")


def test_S2_anothers_address_is_not_there(
    market: Any, owner_of_one: tuple[Any, int], number: int
) -> None:
    stranger = market.browser()
    market.member(stranger, "stranger@example.com")
    home = f"/me/webhooks/{number}"
    base = "http://main.localhost:8000"
    assert stranger.get(home, base_url=base).status_code == 404
    for action in ("", "/test", "/pause", "/resume", "/rotate", "/remove", "/replay"):
        answer = market.post(stranger, home + action, {"url": URL, "hours": "1"})
        assert answer.status_code == 404, action
    assert market.count(
        "SELECT count(*) FROM webhook_endpoint WHERE id = %s AND state = 'active'", number
    ) == 1  # fmt: skip


def test_a_post_without_the_forms_token_is_refused(
    market: Any, owner_of_one: tuple[Any, int], number: int
) -> None:
    browser, _member = owner_of_one
    answer = browser.post(
        f"/me/webhooks/{number}/remove", base_url="http://main.localhost:8000", data={}
    )
    assert answer.status_code in (400, 403)
