"""Two suppliers of the small market with a browser each, and purchases that wait for them."""

from __future__ import annotations

import itertools
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from psycopg.types.json import Jsonb

from ..conftest import MAIN, hidden  # noqa: TID252  # the market is one folder up

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64
PASSWORD = "portal-pass-2026"
NUMBERS = itertools.count(1)


@dataclass
class Portal:
    """One supplier and the browser of its first person."""

    market: Any
    id: int
    name: str
    login: str
    browser: FlaskClient
    secret: str = ""

    def get(self, path: str, expected: int = 200) -> str:
        answer = self.browser.get(f"/supplier{path}", base_url=MAIN)
        assert answer.status_code == expected, (path, answer.status_code, answer.text[-600:])
        return str(answer.text)

    def post(self, path: str, **data: Any) -> TestResponse:
        """Press a button: the token comes from a page the person has seen."""
        token = hidden(self.get("/account"), "_csrf")
        return self.browser.post(f"/supplier{path}", base_url=MAIN, data={**data, "_csrf": token})

    def done(self, path: str, **data: Any) -> str:
        """Press a button that must succeed; the page one comes back to."""
        answer = self.post(path, **data)
        assert answer.status_code == 303, (path, answer.status_code, answer.text[:600])
        page = self.browser.get(answer.location, base_url=MAIN)
        assert page.status_code == 200, page.text[:400]
        assert "km-banner-bad" not in page.text, re.findall(r"km-banner-bad.*?</div>", page.text)
        return str(page.text)

    def refused(self, path: str, **data: Any) -> str:
        """Press a button that must not succeed; the page with its reason."""
        answer = self.post(path, **data)
        assert answer.status_code == 303, (path, answer.status_code)
        page = self.browser.get(answer.location, base_url=MAIN)
        assert "km-banner-bad" in page.text
        return str(page.text)


@dataclass
class Street:
    """The market and its suppliers."""

    market: Any
    portals: list[Portal] = field(default_factory=list)

    def supplier(self, name: str) -> Portal:
        """A supplier that went all the way from the form to the portal."""
        from kameng.db import main_scope
        from kameng.suppliers import api as suppliers

        number, login = next(NUMBERS), f"boss-{secrets.token_hex(3)}"
        browser = self.market.browser()
        browser.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
        form = {
            "name": name, "legal_name": f"{name}第{number}有限公司", "contact_name": "王海",
            "phone": "13800136021", "email": f"{login}@example.com", "agree": "1",
            "about": "游戏点券和话费，都有授权书", "business_licence": (_file(PNG), "licence.png"),
        }  # fmt: skip
        answer = self.apply(browser, form)
        assert answer.status_code == 200, answer.text[:800]
        with self.market.app.app_context(), main_scope(reason="test"):
            found = self.market.count(
                "SELECT id FROM supplier WHERE legal_name = %s", form["legal_name"]
            )
            paper = suppliers.documents_of(found)[0].id
            suppliers.review(
                found, paper, approve=True, reason="", valid_until=None, number="",
                issued_by="", actor="staff:1",
            )  # fmt: skip
            suppliers.approve(found, login, "staff:1")
        portal = Portal(self.market, found, name, login, browser)
        self.portals.append(portal)
        return portal

    def apply(self, browser: FlaskClient, form: dict[str, Any]) -> TestResponse:
        page = browser.get("/supplier/apply", base_url=MAIN)
        return browser.post(
            "/supplier/apply", base_url=MAIN,
            data={**form, "_csrf": hidden(page.text, "_csrf")},
        )  # fmt: skip

    def invitation(self, portal: Portal) -> str:
        row = self.market.owner.execute(
            "SELECT body FROM notice WHERE recipient = %s ORDER BY id DESC LIMIT 1",
            (f"{portal.login}@example.com",),
        ).fetchone()
        return str(re.findall(r"(/supplier/invitation/\S+)", row[0])[0])

    def enter(self, portal: Portal) -> Portal:
        """Set the password and bind the second factor."""
        path = self.invitation(portal)
        page = portal.browser.get(path, base_url=MAIN)
        data = {"_csrf": hidden(page.text, "_csrf"), "password": PASSWORD, "again": PASSWORD}
        answer = portal.browser.post(path, base_url=MAIN, data=data)
        assert answer.location == "/supplier/second-factor", answer.text[:600]
        page = portal.browser.get(answer.location, base_url=MAIN)
        portal.secret = re.findall(r"<code>([A-Z2-7]{32})</code>", page.text)[0]
        data = {
            "_csrf": hidden(page.text, "_csrf"), "password": PASSWORD,
            "totp_code": pyotp.TOTP(portal.secret).now(),
        }  # fmt: skip
        answer = portal.browser.post("/supplier/second-factor", base_url=MAIN, data=data)
        assert answer.location == "/supplier/", answer.text[:800]
        return portal

    def bought(self, portal: Portal, sku: str = "P100", quantity: int = 1) -> str:
        """A purchase that waits at the supplier's portal; its number."""
        number = f"PF{secrets.token_hex(6).upper()}"
        owner = self.market.owner
        order = self.market.paid_order(sku, quantity)
        connection = self.market.count(
            "SELECT id FROM supply_connection WHERE supplier_id = %s", portal.id
        )
        opened = owner.execute(
            "SELECT code, purchase_id FROM open_purchase(1, %s, %s, NULL, 900000, 900000, %s, %s, '[]', NULL, 'x')",
            (order, connection, number, Jsonb({"phone": "13800136021"})),
        ).fetchone()
        assert opened[0] == "ok", opened
        owner.execute("SELECT * FROM take_purchase(1, %s)", (opened[1],))
        return number


def _file(content: bytes) -> Any:
    import io

    return io.BytesIO(content)


@pytest.fixture(scope="module")
def street(market: Any) -> Street:
    """Two suppliers that are in, and cards that come from suppliers."""
    found = Street(market)
    market.owner.execute("UPDATE sku SET sourcing = 'supplier' WHERE code = 'EMPTY'")
    market.owner.execute("INSERT INTO supply_level(sku_id) SELECT id FROM sku WHERE code = 'EMPTY'")
    for name in ("江海数码", "云帆网络"):
        found.enter(found.supplier(name))
    return found
