"""The console on top of the small market: one signed-in browser per role."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

MAIN = "http://main.localhost:8000"
STATION = "http://yehang.localhost:8000"
PASSWORD = "console-pass-2026"


@dataclass
class Console:
    """Browsers by role name, and short ways to read and to press buttons."""

    market: Any
    secrets: dict[str, str] = field(default_factory=dict)
    browsers: dict[str, FlaskClient] = field(default_factory=dict)
    opened: int = 0

    def browser(self) -> FlaskClient:
        """A browser at an address of its own: logins are limited by address."""
        self.opened += 1
        browser = self.market.browser()
        browser.environ_base["REMOTE_ADDR"] = f"198.51.100.{self.opened}"
        return browser  # type: ignore[no-any-return]  # the market is untyped here

    def as_(self, role: str) -> FlaskClient:
        """A browser in which staff of this role is signed in (a code works once: kept)."""
        if role not in self.browsers:
            browser = self.browser()
            answer = self.sign_in(browser, f"t-{role}", pyotp.TOTP(self.secrets[role]).now())
            assert answer.status_code == 303, answer.text[:400]
            self.browsers[role] = browser
        return self.browsers[role]

    def sign_in(self, browser: FlaskClient, login: str, code: str) -> TestResponse:
        page = browser.get("/admin/login", base_url=MAIN)
        first = browser.post(
            "/admin/login", base_url=MAIN,
            data={"_csrf": hidden(page.text, "_csrf"), "login": login, "password": PASSWORD},
        )  # fmt: skip
        if 'name="passed"' not in first.text:
            return first
        return browser.post(
            "/admin/login/code", base_url=MAIN,
            data={
                "_csrf": hidden(first.text, "_csrf"), "passed": hidden(first.text, "passed"),
                "next": hidden(first.text, "next"), "totp_code": code,
            },
        )  # fmt: skip

    def get(self, path: str, role: str = "admin", expected: int = 200) -> str:
        answer = self.as_(role).get(path, base_url=MAIN)
        assert answer.status_code == expected, (path, answer.status_code, answer.text[-600:])
        return str(answer.text)

    def post(self, path: str, role: str = "admin", **data: Any) -> TestResponse:
        """Press a button: the token comes from a page the person has seen."""
        browser = self.as_(role)
        token = hidden(browser.get("/admin/account/", base_url=MAIN).text, "_csrf")
        return browser.post(path, base_url=MAIN, data={**data, "_csrf": token})

    def done(self, path: str, role: str = "admin", **data: Any) -> str:
        """Press a button that must succeed; returns the page one comes back to."""
        answer = self.post(path, role, **data)
        assert answer.status_code == 303, (path, answer.status_code, answer.text[:600])
        page = self.as_(role).get(answer.location, base_url=MAIN)
        assert page.status_code == 200, page.text[:400]
        assert "km-flash is-bad" not in page.text, re.findall(
            r"km-flash is-bad.*?</div></div>", page.text
        )
        return str(page.text)


def hidden(page: str, name: str) -> str:
    """Value of a hidden field."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found, f"no field {name} on the page"
    return found[1]


@pytest.fixture(scope="module")
def console(market: Any) -> Console:
    """The main station's console of the market, with a colleague in every role."""
    import kameng_admin
    from kameng import redis

    kameng_admin.init_app(market.app)
    found = Console(market)
    with market.app.app_context():
        redis.client().flushdb()  # the limits of another module's logins are not this one's
        _colleagues(found)
    return found


def _colleagues(console: Console) -> None:
    from kameng.db import db, main_scope
    from kameng.identity import api as identity

    with main_scope(reason="test"):
        identity.seed_roles(1)
        db.session.commit()
        identity.save_role(1, "nothing", "什么都不能", [], "test")
        for role in identity.list_roles(1):
            console.secrets[role.code] = identity.create_staff(
                1, f"t-{role.code}", f"{role.name}员", PASSWORD, role.code
            )[1]
