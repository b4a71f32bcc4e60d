"""T7: password, then a code that works once; tries are limited; the door leads nowhere else."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

MAIN = "http://main.localhost:8000"
PASSWORD = "console-pass-2026"


def form(browser: Any, path: str = "/admin/login", **data: str) -> Any:
    page = browser.get("/admin/login", base_url=MAIN).text
    token = page.split('name="_csrf" value="')[1].split('"')[0]
    return browser.post(path, base_url=MAIN, data={**data, "_csrf": token})


def test_T7_password_and_code_lead_in_and_logout_leads_out(console: Any) -> None:
    browser = console.browser()
    answer = console.sign_in(browser, "t-finance", pyotp.TOTP(console.secrets["finance"]).now())
    assert (answer.status_code, answer.location) == (303, "/admin/")
    page = browser.get("/admin/", base_url=MAIN)
    assert page.status_code == 200
    token = page.text.split('name="_csrf" value="')[1].split('"')[0]
    assert browser.post("/admin/logout", base_url=MAIN, data={"_csrf": token}).status_code == 303
    assert browser.get("/admin/", base_url=MAIN).status_code == 302


def test_T7_a_code_works_once(console: Any) -> None:
    code = pyotp.TOTP(console.secrets["purchasing"]).now()
    assert console.sign_in(console.browser(), "t-purchasing", code).status_code == 303
    second = console.sign_in(console.browser(), "t-purchasing", code)
    assert second.status_code == 401
    assert "验证码错误或已使用" in second.text


def test_a_wrong_password_says_nothing_about_the_name(console: Any) -> None:
    known = form(console.browser(), login="t-admin", password="wrong-password")
    unknown = form(console.browser(), login="nobody-here", password="wrong-password")
    assert known.status_code == unknown.status_code == 401
    assert "账号或密码错误" in known.text
    assert "账号或密码错误" in unknown.text


def test_the_password_never_stands_in_the_page_of_the_code(console: Any) -> None:
    page = form(console.browser(), login="t-risk", password=PASSWORD)
    assert page.status_code == 200
    assert "totp_code" in page.text
    assert PASSWORD not in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_sealed_first_step_that_was_tampered_with_starts_over(console: Any) -> None:
    answer = form(console.browser(), "/admin/login/code", passed="gAAAA-not-ours", totp_code="1")
    assert answer.status_code == 401
    assert 'name="password"' in answer.text


def test_the_owner_of_a_station_is_nobody_here(console: Any) -> None:
    login, password = console.market.owner_login
    answer = form(console.browser(), login=login, password=password)
    assert answer.status_code == 401


def test_many_tries_are_limited(console: Any) -> None:
    browser = console.browser()
    codes = [form(browser, login="t-guess", password=f"guess-{n}").status_code for n in range(14)]
    assert codes[0] == 401
    assert codes[-1] == 429


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil", "/shop", "/admin/logout"]
)
def test_the_login_leads_only_into_the_console(console: Any, target: str) -> None:
    page = console.browser().get("/admin/login", base_url=MAIN, query_string={"next": target})
    assert 'name="next" value="/admin/"' in page.text


def test_one_changes_ones_own_password(console: Any) -> None:
    changed = console.post(
        "/admin/account/", "operations", old_password=PASSWORD, password="a-new-pass-2027",
        repeated="a-new-pass-2027",
    )  # fmt: skip
    assert changed.status_code == 303
    assert form(console.browser(), login="t-operations", password=PASSWORD).status_code == 401
    refused = console.post(
        "/admin/account/", "operations", old_password="wrong", password="another-pass-2",
        repeated="another-pass-2",
    )  # fmt: skip
    assert refused.status_code == 422
    assert "原密码不正确" in refused.text


def test_dark_mode_is_remembered_by_the_server(console: Any) -> None:
    assert console.post("/admin/scheme", scheme="dark").status_code == 303
    assert 'data-bs-theme="dark"' in console.get("/admin/")
    console.post("/admin/scheme", scheme="light")
    assert 'data-bs-theme="light"' in console.get("/admin/")
