"""Members at the shop's own pages: signing in, filling the wallet, and what is nobody else's."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from .conftest import MAIN, YE

TOP_UP = {"amount": "100", "other": "", "method": "payment-epay:alipay"}


@pytest.fixture(scope="module")
def regular(market: Any) -> tuple[Any, int]:
    """A member who is signed in (registering is limited, so many tests share one)."""
    browser = market.browser()
    return browser, market.member(browser, "regular@example.com")


def attempts(market: Any, member: int) -> int:
    return int(market.count("SELECT count(*) FROM payment_attempt WHERE member_id = %s", member))


def newest(market: Any, member: int) -> Any:
    return market.owner.execute(
        "SELECT attempt_no, amount, id FROM payment_attempt WHERE member_id = %s"
        " ORDER BY id DESC LIMIT 1", (member,),
    ).fetchone()  # fmt: skip


def pay(market: Any, attempt_no: str) -> None:
    """The simulator takes the money; the question of the job finds it."""
    from kameng.payments.api import query_attempt

    with market.app.app_context():
        from kameng.runtime import current_settings

        base = current_settings().simulator_url
    paid = httpx.post(f"{base}/epay/control/out:{attempt_no}/pay")
    assert paid.status_code == 200, paid.text
    number = market.count("SELECT id FROM payment_attempt WHERE attempt_no = %s", attempt_no)
    with market.app.app_context():
        assert query_attempt(1, number) in ("topped_up", "succeeded")


def test_a_wallet_without_movements_says_so(market: Any, regular: tuple[Any, int]) -> None:
    assert "还没有余额变动" in market.get(regular[0], "/me/wallet")


def test_O5_a_member_fills_the_wallet_at_the_gateway(market: Any) -> None:
    browser = market.browser()
    member = market.member(browser, "filler@example.com")
    assert "100" in market.get(browser, "/me/top-up")
    answer = market.post(browser, "/me/top-up", {**TOP_UP, "other": "88.50"})
    assert answer.status_code == 303
    attempt_no, amount, _id = newest(market, member)
    assert amount == 88_5000
    assert urlsplit(answer.location).netloc.startswith("127.0.0.1")
    waiting = market.get(browser, f"/me/top-up/{attempt_no}")
    pay(market, attempt_no)
    done = market.get(browser, f"/me/top-up/{attempt_no}")
    assert done != waiting
    assert "88.50" in market.get(browser, "/me/wallet").replace('<span class="d">', "")


@pytest.mark.parametrize("other", ["0", "-5", "0.99", "50000.01", "1.234", "1e3", "abc", "９９"])
def test_an_impossible_amount_is_a_message_and_no_attempt(
    market: Any, regular: tuple[Any, int], other: str
) -> None:
    browser, member = regular
    before = attempts(market, member)
    answer = market.post(browser, "/me/top-up", {**TOP_UP, "amount": "", "other": other})
    assert answer.status_code == 422
    assert "1 元到 50000 元" in answer.text
    assert attempts(market, member) == before


@pytest.mark.parametrize(
    "method", ["", "payment-balance:balance", "payment-epay:cash", "payment-nobody:x", "a:b:c"]
)
def test_the_wallet_is_filled_only_by_ways_that_are_offered(
    market: Any, regular: tuple[Any, int], method: str
) -> None:
    """Above all not from itself."""
    browser, member = regular
    before = attempts(market, member)
    answer = market.post(browser, "/me/top-up", {**TOP_UP, "method": method})
    assert answer.status_code == 422
    assert attempts(market, member) == before


def test_T12_a_top_up_is_seen_by_its_member_alone(market: Any) -> None:
    browser = market.browser()
    member = market.member(browser, "mine@example.com")
    market.post(browser, "/me/top-up", TOP_UP)
    address = f"/me/top-up/{newest(market, member)[0]}"
    assert browser.get(address, base_url=MAIN).status_code == 200
    other = market.browser()
    market.member(other, "other@example.com")
    assert other.get(address, base_url=MAIN).status_code == 404
    abroad = market.browser()
    market.member(abroad, "abroad@example.com", base=YE)
    assert abroad.get(address, base_url=YE).status_code == 404
    guest = market.browser()
    assert guest.get(address, base_url=MAIN).status_code in (302, 303)


def sign_in(market: Any, browser: Any, login: str, password: str, then: str = "") -> Any:
    return market.post(browser, "/login", {"login": login, "password": password, "next": then})


@pytest.mark.usefixtures("regular")
def test_T7_a_wrong_name_and_a_wrong_password_get_one_answer(market: Any) -> None:
    wrong = sign_in(market, market.browser(), "regular@example.com", "not-the-password-1")
    unknown = sign_in(market, market.browser(), "nobody@example.com", "not-the-password-1")
    assert wrong.status_code == unknown.status_code == 401
    assert "regular@example.com" in wrong.text
    said = [page.text.split('role="alert"')[1][:200] for page in (wrong, unknown)]
    assert said[0] == said[1]


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example/", "/\\evil.example"])
@pytest.mark.usefixtures("regular")
def test_signing_in_leads_to_no_other_site(market: Any, then: str) -> None:
    answer = sign_in(market, market.browser(), "regular@example.com", "a-long-pass-1", then)
    assert answer.status_code == 303
    assert urlsplit(answer.location).netloc in ("", "main.localhost:8000")


@pytest.mark.usefixtures("regular")
def test_T12_an_account_of_one_station_is_none_at_another(market: Any) -> None:
    browser = market.browser()
    data = {"login": "regular@example.com", "password": "a-long-pass-1"}
    assert market.post(browser, "/login", data, YE).status_code == 401


def test_a_session_ends_where_it_is_ended(market: Any) -> None:
    browser = market.browser()
    market.member(browser, "leaving@example.com")
    assert browser.get("/me", base_url=MAIN).status_code == 200
    assert market.post(browser, "/logout", {}).status_code == 303
    assert browser.get("/me", base_url=MAIN).status_code in (302, 303)


@pytest.mark.usefixtures("regular")
def test_a_name_that_is_taken_and_a_weak_password_are_refused(market: Any) -> None:
    form = {"login": "regular@example.com", "password": "a-long-pass-1", "agree": "1"}
    again = market.post(market.browser(), "/register", form)
    weak = market.post(
        market.browser(), "/register", {**form, "login": "new@example.com", "password": "12345678"}
    )
    assert (again.status_code, weak.status_code) == (422, 422)
    assert market.count("SELECT count(*) FROM member WHERE login = 'new@example.com'") == 0
