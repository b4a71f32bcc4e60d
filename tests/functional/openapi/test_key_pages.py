"""A member's pages for programs: making a key, changing it over, ending it."""

from __future__ import annotations

import re
import secrets
from itertools import count
from typing import Any

import pytest

from ..conftest import MAIN, YE  # noqa: TID252  # the market is one folder up

PASSWORD = "a-long-pass-1"
SU = "http://sudan.localhost:8000"
ADDRESSES = count(1)
NATIVE = {
    "name": "仓库程序", "dialect": "native", "mode": "live", "networks": "203.0.113.8\n198.51.100.0/24",
    "password": PASSWORD, "scope": ["products.read", "orders.write"],
}  # fmt: skip


class Buyer:
    """A member of the main station with a browser."""

    def __init__(self, market: Any, base: str = MAIN) -> None:
        self.market, self.base = market, base
        self.browser = market.browser()
        # Registrations are limited by address.
        self.browser.environ_base["REMOTE_ADDR"] = f"198.51.100.{next(ADDRESSES)}"
        self.id = market.member(self.browser, f"{secrets.token_hex(4)}@example.com", base=base)

    def get(self, path: str) -> str:
        return str(self.market.get(self.browser, path, self.base))

    def post(self, path: str, data: dict[str, Any]) -> Any:
        return self.market.post(self.browser, path, data, self.base)

    def make(self, **changes: Any) -> Any:
        return self.post("/me/api/new", {**NATIVE, **changes})

    def key(self) -> Any:
        """id, key_id, name, networks and scopes of the newest key."""
        return self.market.owner.execute(
            "SELECT id, key_id, name, networks, scopes, state, mode FROM api_key"
            " WHERE member_id = %s ORDER BY id DESC LIMIT 1", (self.id,),
        ).fetchone()  # fmt: skip

    def keys(self) -> int:
        return int(self.market.count("SELECT count(*) FROM api_key WHERE member_id = %s", self.id))


@pytest.fixture
def buyer(market: Any) -> Buyer:
    return Buyer(market)


def shown(page: str) -> list[str]:
    """What can be copied, in the order of the page."""
    return re.findall(r'data-copy="([^"]*)"', page)


def test_who_has_no_key_reads_what_one_is_good_for(buyer: Buyer) -> None:
    assert 'href="/me/api"' in buyer.get("/me")
    page = buyer.get("/me/api")
    assert "还没有密钥" in page
    assert 'href="/api/v1/docs"' in page
    assert 'href="/me/api/new"' in page


def test_a_guest_is_sent_to_the_login(market: Any) -> None:
    for path in ("/me/api", "/me/api/new", "/me/api/1"):
        assert "/login" in market.browser().get(path, base_url=MAIN).location


def test_a_key_is_made_and_its_secret_shown_once(buyer: Buyer) -> None:
    made = buyer.make()
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    address, key_id, secret, _all = shown(made.text)
    assert address == f"{MAIN}/api/v1"
    number, kept_id, name, networks, scopes, state, mode = buyer.key()
    assert (key_id, name, state, mode) == (kept_id, "仓库程序", "active", "live")
    assert networks == ["203.0.113.8/32", "198.51.100.0/24"]
    assert sorted(scopes) == ["orders.write", "products.read"]
    for page in (buyer.get("/me/api"), buyer.get(f"/me/api/{number}")):
        assert secret not in page
        assert "仓库程序" in page
    assert secret[-4:] in buyer.get(f"/me/api/{number}")


def test_a_wrong_password_makes_no_key(buyer: Buyer) -> None:
    refused = buyer.make(password="not-mine-1")
    assert refused.status_code == 401
    assert 'id="e-password"' in refused.text
    assert "仓库程序" in refused.text
    assert "not-mine-1" not in refused.text
    assert buyer.keys() == 0


def test_guesses_of_the_password_come_to_an_end(buyer: Buyer) -> None:
    answers = [buyer.make(password=f"guess-{n}").status_code for n in range(11)]
    assert answers == [401] * 10 + [429]
    assert buyer.make().status_code == 429
    assert buyer.keys() == 0


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"networks": "203.0.113.8\n203.0.113.0/33"}, "e-networks"), ({"name": " "}, "e-name"),
        ({"networks": "example.com"}, "e-networks"), ({"scope": []}, "权限"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(
    buyer: Buyer, changes: dict[str, Any], place: str
) -> None:
    refused = buyer.make(**changes)
    assert refused.status_code >= 400
    assert "km-error" in refused.text
    assert place in refused.text
    assert buyer.keys() == 0


def test_an_eleventh_key_is_refused(buyer: Buyer) -> None:
    from kameng.db import station_scope
    from kameng.openapi import api as openapi

    with buyer.market.app.app_context(), station_scope(1):
        for number in range(10):
            openapi.make_key(
                buyer.id, name=f"第 {number}", dialect="native", sandbox=True,
                scopes=("products.read",), networks=(), callback_url="", actor="test",
            )  # fmt: skip
    refused = buyer.make()
    assert refused.status_code >= 400
    assert 'role="alert"' in refused.text
    assert "10" in refused.text
    assert buyer.keys() == 10


@pytest.mark.parametrize(
    ("dialect", "labels"),
    [
        ("dujiao-next", ("站点地址", "API Key", "API Secret")),
        ("kasushou", ("平台地址", "UserId", "apikey")),
        ("kakayun", ("供货站网址", "商户 ID", "商户 KEY")),
    ],
)
def test_the_other_shops_settings_stand_ready_under_its_own_names(
    buyer: Buyer, dialect: str, labels: tuple[str, ...]
) -> None:
    made = buyer.make(dialect=dialect, mode="sandbox", scope=[])
    assert made.status_code == 200, made.text[:600]
    address, key_id, secret, everything = shown(made.text)
    assert address == f"{MAIN}/dock/{dialect}"
    for word in (*labels, address, key_id, secret):
        assert word in everything
    assert buyer.key()[6] == "sandbox"


def test_an_interface_that_is_off_is_neither_offered_nor_made(buyer: Buyer) -> None:
    assert 'value="acg-shared"' not in buyer.get("/me/api/new")
    assert buyer.make(dialect="acg-shared", scope=[]).status_code >= 400
    assert buyer.make(dialect="nonsense", scope=[]).status_code >= 400
    assert buyer.keys() == 0


def test_secrets_are_changed_over_without_a_gap(buyer: Buyer) -> None:
    first = shown(buyer.make().text)[2]
    number = buyer.key()[0]
    here = f"/me/api/{number}"
    assert buyer.post(f"{here}/secrets", {"password": "wrong-one"}).status_code == 401
    second = shown(buyer.post(f"{here}/secrets", {"password": PASSWORD}).text)[2]
    assert second != first
    page = buyer.get(here)
    assert first[-4:] in page
    assert second[-4:] in page
    assert "新建第二个密钥" not in page
    old = re.findall(rf"{here}/secrets/(\d+)/revoke", page)[0]
    assert buyer.post(f"{here}/secrets/{old}/revoke", {}).status_code == 303
    live = buyer.market.owner.execute(
        "SELECT hint FROM api_secret WHERE api_key_id = %s AND state = 'live'", (number,)
    ).fetchall()
    assert len(live) == 1
    assert buyer.post(f"{here}/secrets/{old}/revoke", {}).status_code == 404


def test_name_and_addresses_can_be_changed(buyer: Buyer) -> None:
    buyer.make()
    number = buyer.key()[0]
    wrong = buyer.post(f"/me/api/{number}", {"name": "新名字", "networks": "nowhere"})
    assert wrong.status_code >= 400
    assert 'id="e-networks"' in wrong.text
    assert "新名字" in wrong.text
    right = buyer.post(f"/me/api/{number}", {"name": "新名字", "networks": "2001:db8::/32"})
    assert right.status_code == 303
    assert buyer.key()[2:4] == ("新名字", ["2001:db8::/32"])


def test_a_key_that_is_ended_stays_on_the_list_and_offers_nothing(buyer: Buyer) -> None:
    buyer.make()
    number = buyer.key()[0]
    assert buyer.post(f"/me/api/{number}/revoke", {}).status_code == 303
    assert buyer.key()[5] == "revoked"
    assert "已停用" in buyer.get("/me/api")
    page = buyer.get(f"/me/api/{number}")
    assert "这把密钥已停用" in page
    assert "/revoke" not in page
    assert buyer.post(f"/me/api/{number}/secrets", {"password": PASSWORD}).status_code >= 400


def test_T12_another_members_key_does_not_exist(buyer: Buyer) -> None:
    buyer.make()
    number = buyer.key()[0]
    stranger = Buyer(buyer.market)
    assert stranger.browser.get(f"/me/api/{number}", base_url=MAIN).status_code == 404
    for path in ("", "/secrets", "/revoke", "/secrets/1/revoke"):
        answer = stranger.post(f"/me/api/{number}{path}", {"name": "x", "password": PASSWORD})
        assert answer.status_code == 404, path
    assert buyer.key()[5] == "active"


@pytest.mark.parametrize(("base", "theme"), [(MAIN, "qing"), (YE, "ye"), (SU, "su")])
def test_every_theme_draws_the_pages_without_inline_code(
    market: Any, base: str, theme: str
) -> None:
    other = Buyer(market, base)
    made = other.make()
    number = other.key()[0]
    pages = [made.text, *(other.get(p) for p in ("/me/api", "/me/api/new", f"/me/api/{number}"))]
    for page in pages:
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page)
        assert f'data-theme="{theme}"' in page
