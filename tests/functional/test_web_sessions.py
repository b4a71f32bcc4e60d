"""Sessions, forms and limits over HTTP (T7, T12)."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from flask import Blueprint, Flask, g, redirect, render_template_string, request, session
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from kameng import redis, web
from kameng.db import station_scope
from kameng.errors import TooMany, Unavailable
from kameng.identity import api as identity
from kameng.stations import api as stations
from kameng.web import audiences
from kameng.web.sessions import DESK_COOKIE, SHOP_COOKIE, session_key

SHOP = "http://alpha.localhost:8000"
OTHER = "http://beta.localhost:8000"
ALIAS = "http://alias.localhost:8000"
PASSWORD = "correct-horse-9"
FORM = "<form>{{ csrf_field() }}</form>"
SLOW = {"begun": threading.Event(), "go on": threading.Event()}


@pytest.fixture(scope="module")
def shop(app: Flask, database: str) -> Flask:
    """Two stations, the first with two names, and a page for each thing under test."""
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO station(id, parent_id, path, slug, name, state) VALUES"
            " (1, NULL, '{1}', 'main', '卡盟', 'active'),"
            " (7, 1, '{1,7}', 'alpha', '甲店', 'active'), (8, 1, '{1,8}', 'beta', '乙店', 'active')"
        )
        owner.execute(
            "INSERT INTO host(host, station_id, kind) VALUES ('main.localhost', 1, 'main'),"
            " ('alpha.localhost', 7, 'subdomain'), ('alias.localhost', 7, 'custom'),"
            " ('beta.localhost', 8, 'subdomain')"
        )
    with app.app_context():
        for station_id in (7, 8):
            with station_scope(station_id):
                identity.register_member("13800000001", PASSWORD, "林")
    stations.forget_hosts()
    _add_pages(app)
    return app


def _add_pages(app: Flask) -> None:
    pages = Blueprint("s", __name__)

    @pages.get("/s/form")
    def form() -> str:
        return render_template_string(FORM)

    @pages.post("/s/buy")
    def buy() -> str:
        return "bought"

    @pages.post("/s/login")
    def login() -> str:
        found = identity.authenticate_member("13800000001", PASSWORD)
        web.login_session("member", found.id)
        return "in"

    @pages.post("/s/logout")
    def logout() -> str:
        web.logout_session()
        return "out"

    @pages.post("/s/any-login")
    def any_login() -> str:
        identity.authenticate_member(request.form["login"], request.form["password"])
        return "in"

    @pages.get("/s/member/<int:number>")
    def by_number(number: int) -> str:
        return identity.get_member(number).name

    @pages.get("/s/narrow")
    def narrow() -> str:
        web.limit("narrow", web.client_ip(), 2, 60)
        return "passed"

    @pages.get("/s/who")
    def who() -> str:
        return f"{g.viewer.kind}:{g.viewer.login}"

    @pages.get("/s/mine")
    @web.require_member
    def mine() -> str:
        return "mine"

    @pages.get("/s/staff-only")
    @web.require_staff("order.view")
    def staff_only() -> str:
        return "staff"

    @pages.get("/s/basket")
    def basket() -> str:
        session["basket"] = 1
        return "kept"

    @pages.get("/s/away")
    def away() -> Response:
        return redirect(request.args["to"])

    @pages.get("/s/slow")
    def slow() -> str:
        session["seen"] = 1
        SLOW["begun"].set()
        SLOW["go on"].wait(5)
        return "at last"

    hook = Blueprint("h", __name__)
    hook.add_url_rule("/hooks/x", "x", lambda: "ok", methods=["POST"])
    audiences.register(app, pages, "station")
    audiences.register(app, hook, "webhook")


@pytest.fixture
def client(shop: Flask) -> FlaskClient:
    return shop.test_client()


def token_of(client: FlaskClient, base: str = SHOP) -> str:
    page = client.get("/s/form", base_url=base).text
    found = re.search(r'name="_csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def post(client: FlaskClient, path: str, token: str, base: str = SHOP, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, base_url=base, data={"_csrf": token}, headers=named).status_code


def log_in(client: FlaskClient, base: str = SHOP) -> str:
    assert post(client, "/s/login", token_of(client, base), base) == 200
    cookie = client.get_cookie(SHOP_COOKIE, domain=base[7:].split(":")[0])
    assert cookie is not None
    return cookie.value


def test_O7_a_guest_submits_a_form_without_any_cookie(shop: Flask) -> None:
    guest = shop.test_client(use_cookies=False)
    page = guest.get("/s/form", base_url=SHOP)
    assert "Set-Cookie" not in page.headers
    token = re.search(r'value="([^"]+)"', page.text)
    assert token is not None
    assert post(guest, "/s/buy", token[1]) == 200


def test_a_form_without_token_is_refused_in_the_shoppers_language(client: FlaskClient) -> None:
    answer = client.post("/s/buy", base_url=SHOP)
    assert answer.status_code == 400
    assert "页面已过期" in answer.text
    program = client.post("/s/buy", base_url=SHOP, headers={"Accept": "application/json"})
    assert program.json["code"] == "csrf_failed"


@pytest.mark.parametrize(
    "pattern", ["{}x", "x{}", "{}.", "", "a.9999999999.n.s", "é{}", "...", "a.²³.n.s"]
)
def test_a_changed_token_is_refused(client: FlaskClient, pattern: str) -> None:
    assert post(client, "/s/buy", pattern.format(token_of(client))) == 400


def test_a_token_of_another_host_is_refused(client: FlaskClient) -> None:
    assert post(client, "/s/buy", token_of(client, OTHER), SHOP) == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://beta.localhost:8000"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_foreign_page_cannot_submit_even_with_a_token(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    token = token_of(client)
    assert post(client, "/s/buy", token, **headers) == 400
    assert post(client, "/s/buy", token, Origin=SHOP, Sec_Fetch_Site="same-origin") == 200


def test_a_token_in_the_header_serves_as_well(client: FlaskClient) -> None:
    headers = {"X-CSRF-Token": token_of(client)}
    assert client.post("/s/buy", base_url=SHOP, headers=headers).status_code == 200


def test_gateways_need_no_token(client: FlaskClient) -> None:
    assert client.post("/hooks/x", base_url=SHOP, data=b"raw").status_code == 200


def test_login_gives_a_new_id_in_a_host_cookie(client: FlaskClient) -> None:
    client.get("/s/basket", base_url=SHOP)
    before = client.get_cookie(SHOP_COOKIE, domain="alpha.localhost")
    assert before is not None
    after = log_in(client)
    assert after != before.value
    answer = client.post("/s/login", base_url=SHOP, data={"_csrf": token_of(client)})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-kameng=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_T12_a_cookie_of_one_station_is_worthless_at_another(client: FlaskClient) -> None:
    stolen = log_in(client)
    assert client.get("/s/who", base_url=SHOP).text == "member:13800000001"
    for base in (OTHER, ALIAS):
        thief = client.application.test_client(use_cookies=False)
        headers = {"Cookie": f"{SHOP_COOKIE}={stolen}"}
        assert thief.get("/s/who", base_url=base, headers=headers).text == "guest:"
        assert thief.get("/s/mine", base_url=base, headers=headers).status_code == 302


def test_a_shoppers_cookie_opens_no_console(client: FlaskClient) -> None:
    stolen = log_in(client)
    headers = {"Cookie": f"{DESK_COOKIE}={stolen}; {SHOP_COOKIE}={stolen}"}
    thief = client.application.test_client(use_cookies=False)
    assert thief.get("/s/staff-only", base_url=SHOP, headers=headers).status_code == 302


def test_an_invented_session_id_is_never_taken_over(client: FlaskClient) -> None:
    client.set_cookie(SHOP_COOKIE, "A" * 43, domain="alpha.localhost")
    assert log_in(client) != "A" * 43


def test_logout_ends_the_session_on_the_server(client: FlaskClient) -> None:
    stolen = log_in(client)
    assert post(client, "/s/logout", token_of(client)) == 200
    thief = client.application.test_client(use_cookies=False)
    headers = {"Cookie": f"{SHOP_COOKIE}={stolen}"}
    assert thief.get("/s/who", base_url=SHOP, headers=headers).text == "guest:"


def test_a_page_that_ends_after_the_logout_does_not_bring_the_session_back(
    client: FlaskClient,
) -> None:
    stolen = log_in(client)
    headers = {"Cookie": f"{SHOP_COOKIE}={stolen}"}

    def visit(path: str) -> str:
        browser = client.application.test_client(use_cookies=False)
        return browser.get(path, base_url=SHOP, headers=headers).text

    slow = threading.Thread(target=visit, args=("/s/slow",))
    slow.start()
    assert SLOW["begun"].wait(5)
    assert post(client, "/s/logout", token_of(client)) == 200
    SLOW["go on"].set()
    slow.join(5)
    assert visit("/s/who") == "guest:"


def test_after_login_the_token_belongs_to_the_session(client: FlaskClient) -> None:
    stateless = token_of(client)
    log_in(client)
    assert post(client, "/s/buy", stateless) == 400
    assert post(client, "/s/buy", token_of(client)) == 200
    other = client.application.test_client()
    log_in(other)
    assert post(other, "/s/buy", token_of(client)) == 400


def test_a_changed_password_ends_all_sessions(client: FlaskClient) -> None:
    second = "another-horse-9"
    with client.application.app_context(), station_scope(7):
        number = identity.register_member("13800000009", PASSWORD)
    with client.application.test_request_context(base_url=SHOP):
        pass
    log_in(client)
    with client.application.app_context(), station_scope(7):
        found = identity.find_member_by_login("13800000001")
        assert found is not None
        assert number != found.id
        identity.change_password(found.id, PASSWORD, second)
    assert client.get("/s/who", base_url=SHOP).text == "guest:"
    with client.application.app_context(), station_scope(7):
        identity.change_password(found.id, second, PASSWORD)


@pytest.mark.parametrize(("field", "days_ago"), [("used", 8), ("created", 31)])
def test_sessions_end_when_idle_and_after_a_month(
    client: FlaskClient, field: str, days_ago: int
) -> None:
    sid = log_in(client)
    with client.application.app_context():
        key = session_key(7, sid)
        record = json.loads(redis.client().get(key))  # type: ignore[arg-type]  # sync client
        record[field] -= days_ago * 24 * 3600
        redis.client().set(key, json.dumps(record))
    assert client.get("/s/who", base_url=SHOP).text == "guest:"


def test_a_session_moved_to_another_station_in_redis_is_worthless(client: FlaskClient) -> None:
    sid = log_in(client)
    with client.application.app_context():
        redis.client().rename(session_key(7, sid), session_key(8, sid))
    thief = client.application.test_client(use_cookies=False)
    headers = {"Cookie": f"{SHOP_COOKIE}={sid}"}
    assert thief.get("/s/who", base_url=OTHER, headers=headers).text == "guest:"


def test_too_many_tries_are_told_when_to_come_back(client: FlaskClient) -> None:
    answers = [client.get("/s/narrow", base_url=SHOP) for _try in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "60"
    assert "操作太频繁" in answers[2].text


def test_no_session_id_lies_in_redis(client: FlaskClient) -> None:
    sid = log_in(client)
    with client.application.app_context():
        names = redis.client().keys("*")
    assert names
    assert not [name for name in names if sid.encode() in name]  # type: ignore[union-attr]


@contextmanager
def no_redis(app: Flask) -> Iterator[None]:
    """The application as it is while Redis does not answer."""
    whole = app.extensions[redis.EXTENSION]
    limiter = app.extensions["kameng.limits"]
    nowhere = redis.connect("unix:///nonexistent/redis.sock")
    app.extensions[redis.EXTENSION] = nowhere
    limiter.storage.storage, saved = nowhere, limiter.storage.storage
    pools = limiter.storage
    scripts = {name: getattr(pools, name) for name in vars(pools) if name.startswith("lua_")}
    for script in scripts.values():
        if hasattr(script, "registered_client"):
            script.registered_client = nowhere
    try:
        yield
    finally:
        app.extensions[redis.EXTENSION] = whole
        limiter.storage.storage = saved
        for script in scripts.values():
            if hasattr(script, "registered_client"):
                script.registered_client = saved


def test_without_redis_guests_browse_and_buy(client: FlaskClient) -> None:
    log_in(client)
    with no_redis(client.application):
        assert client.get("/s/who", base_url=SHOP).text == "guest:"
        assert post(client, "/s/buy", token_of(client)) == 200
        refused = client.post("/s/login", base_url=SHOP, data={"_csrf": token_of(client)})
        assert refused.status_code == 503
        assert "Set-Cookie" not in refused.headers
    assert client.get("/s/who", base_url=SHOP).text == "member:13800000001"


def test_limits_fall_open_for_pages_and_closed_for_staff_doors(shop: Flask) -> None:
    with shop.test_request_context(base_url=SHOP):
        for _try in range(3):
            web.limit("demo", "1.2.3.4", 3, 60)
        with pytest.raises(TooMany):
            web.limit("demo", "1.2.3.4", 3, 60)
        web.limit("demo", "5.6.7.8", 3, 60)
        with no_redis(shop):
            web.limit("demo", "1.2.3.4", 3, 60)
            with pytest.raises(Unavailable):
                web.limit("door", "1.2.3.4", 3, 60, closed=True)


@pytest.mark.parametrize("login", ["a\0b@c.cn", "\ud800", "' OR 1=1 --", "%", "x" * 5000])
def test_odd_logins_are_refused_and_never_an_error(client: FlaskClient, login: str) -> None:
    form = {"_csrf": token_of(client), "login": login.encode("utf-8", "replace"), "password": "p"}
    assert client.post("/s/any-login", base_url=SHOP, data=form).status_code in (400, 401)


def test_a_number_beyond_any_id_is_refused(client: FlaskClient) -> None:
    assert client.get(f"/s/member/{10**30}", base_url=SHOP).status_code in (400, 404)
    assert client.get(f"/s/member/{10**15}", base_url=SHOP).status_code == 404


def test_odd_cookies_are_no_cookies(client: FlaskClient) -> None:
    for value in ("", "x", "é" * 43, "A" * 43, "A" * 4000, "../../x"):
        client.set_cookie(SHOP_COOKIE, value, domain="alpha.localhost")
        client.set_cookie("km_lang", value, domain="alpha.localhost")
        assert client.get("/s/who", base_url=SHOP).text == "guest:"


def test_132_orders_in_a_rush_from_one_address_pass(client: FlaskClient) -> None:
    token = token_of(client)
    assert {post(client, "/s/buy", token) for _try in range(200)} == {200}


def test_login_returns_only_to_paths_of_this_host() -> None:
    for bad in (
        "//evil.example",
        "https://evil.example",
        "/\\evil",
        "",
        None,
        "/a\nb",
        "javascript:1",
    ):
        assert web.safe_next(bad) == "/"
    assert web.safe_next("/orders?page=2") == "/orders?page=2"


@pytest.mark.parametrize(
    "target", ["http:evil.com", "https:/evil.com", "http:///evil.com", "javascript:x", "http://[x"]
)
def test_a_redirect_never_leads_to_a_host_that_only_browsers_see(
    client: FlaskClient, target: str
) -> None:
    answer = client.get("/s/away", base_url=SHOP, query_string={"to": target})
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("target", ["/me", "https://pay.example/x?y=http:z", "?a=b"])
def test_other_redirects_stay_as_they_are(client: FlaskClient, target: str) -> None:
    answer = client.get("/s/away", base_url=SHOP, query_string={"to": target})
    assert answer.headers["Location"] == target
