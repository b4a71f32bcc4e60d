"""The policy header, the proxy in front, and staff at their desk."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Blueprint, Flask, Response, g, jsonify, render_template_string, request
from flask.testing import FlaskClient

from kameng import web
from kameng.app import create_app
from kameng.db import db, main_scope
from kameng.identity import api as identity
from kameng.settings import Settings
from kameng.stations import api as stations
from kameng.web import audiences, headers
from kameng.web.sessions import DESK_COOKIE

MAIN = "http://main.localhost:8000"
PASSWORD = "correct-horse-9"


@pytest.fixture(scope="module")
def behind_proxy(settings: Settings) -> Iterator[Flask]:
    """An application behind exactly one proxy, with a gateway and a staff page."""
    app = create_app(replace(settings, trusted_proxies=1))
    app.testing = True
    _add_pages(app)
    with app.app_context(), main_scope(reason="test"):
        stations.create_main_station("卡盟主站")
        identity.create_staff(1, "finance", "小财", PASSWORD, "finance", totp_secret="A" * 32)
    yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def _add_pages(app: Flask) -> None:
    shop = Blueprint("p", __name__)

    @shop.get("/p/page")
    def page() -> str:
        return render_template_string("<script nonce='{{ csp_nonce() }}'>1</script>")

    @shop.get("/p/where")
    def where() -> Response:
        return jsonify(ip=web.client_ip(), secure=request.is_secure)

    desk = Blueprint("d", __name__)

    @desk.post("/admin/p/login")
    def login() -> str:
        web.login_session("staff", int(request.form["id"]))
        return "in"

    @desk.get("/admin/p/form")
    def form() -> str:
        return render_template_string("{{ csrf_token() }}")

    @desk.get("/admin/p/ledger")
    @web.require_staff("ledger.view")
    def ledger() -> str:
        return str(g.viewer.name)

    @desk.get("/admin/p/plugins")
    @web.require_staff("plugin.manage")
    def plugins() -> str:
        return "never"

    audiences.register(app, shop, "station")
    audiences.register(app, desk, "main")


@pytest.fixture
def client(behind_proxy: Flask) -> FlaskClient:
    return behind_proxy.test_client()


def policy_of(client: FlaskClient) -> str:
    return client.get("/p/page", base_url=MAIN).headers["Content-Security-Policy"]


def test_only_scripts_of_this_very_answer_run(client: FlaskClient) -> None:
    answer = client.get("/p/page", base_url=MAIN)
    nonce = re.search(r"nonce='([^']+)'", answer.text)
    assert nonce is not None
    policy = answer.headers["Content-Security-Policy"]
    assert f"script-src 'self' 'nonce-{nonce[1]}';" in policy
    assert nonce[1] not in policy_of(client)


def test_forms_may_end_at_the_stations_gateways_and_nowhere_else(behind_proxy: Flask) -> None:
    client = behind_proxy.test_client()
    assert "form-action 'self';" in policy_of(client)

    def gateways(station_id: int) -> list[str]:
        return [f"https://pay{station_id}.example", "https://x.example; script-src *"]

    def broken(_station_id: int) -> list[str]:
        raise RuntimeError("a gateway's settings cannot be read")

    headers.allow_form_targets(behind_proxy, gateways)
    headers.allow_form_targets(behind_proxy, broken)
    with behind_proxy.app_context():
        headers.forget_form_targets()
    policy = policy_of(client)
    assert "form-action 'self' https://pay1.example;" in policy
    assert "script-src *" not in policy


def test_exactly_as_many_proxies_as_configured_are_believed(client: FlaskClient) -> None:
    forwarded = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}
    answer = client.get("/p/where", base_url=MAIN, headers=forwarded)
    assert answer.json == {"ip": "203.0.113.7", "secure": True}
    assert answer.headers["Strict-Transport-Security"]
    plain = client.get("/p/where", base_url=MAIN)
    assert "Strict-Transport-Security" not in plain.headers


def test_a_forwarded_host_decides_the_station(client: FlaskClient) -> None:
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "203.0.113.7"}
    assert client.get("/p/where", base_url=MAIN, headers=forwarded).status_code == 421


def test_T7_staff_reach_what_their_role_permits(client: FlaskClient) -> None:
    to_login = client.get("/admin/p/ledger?page=2", base_url=MAIN)
    assert to_login.status_code == 302
    assert to_login.headers["Location"] == "/admin/login?next=/admin/p/ledger%3Fpage%3D2"
    with client.application.app_context(), main_scope(reason="test"):
        [staff] = identity.list_staff(1)
    token = client.get("/admin/p/form", base_url=MAIN).text
    form = {"_csrf": token, "id": str(staff.id)}
    answer = client.post("/admin/p/login", base_url=MAIN, data=form)
    assert answer.headers["Set-Cookie"].startswith(f"{DESK_COOKIE}=")
    assert "Max-Age" not in answer.headers["Set-Cookie"]
    assert client.get("/admin/p/ledger", base_url=MAIN).text == "小财"
    forbidden = client.get("/admin/p/plugins", base_url=MAIN)
    assert forbidden.status_code == 403
    assert "没有此权限" in forbidden.text


def test_programs_are_told_to_log_in_by_status(client: FlaskClient) -> None:
    answer = client.get("/admin/p/ledger", base_url=MAIN, headers={"Accept": "application/json"})
    assert answer.status_code == 401
    part = client.get("/admin/p/ledger", base_url=MAIN, headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"][:12]) == (204, "/admin/login")


def test_a_lost_database_is_a_page_that_says_so(settings: Settings, database: str) -> None:
    app = create_app(replace(settings, database_url=f"{database}_gone"))
    stations.forget_hosts()
    answer = app.test_client().get("/", base_url=MAIN)
    assert answer.status_code == 503
    assert "服务暂时不可用" in answer.text
    assert app.test_client().get("/livez").status_code == 200
    assert app.test_client().get("/readyz").status_code == 503


def test_a_form_is_good_for_its_time_and_its_kind_of_visitor(behind_proxy: Flask) -> None:
    from kameng.web.csrf import _sign, token_is_valid

    now = int(time.time())
    with behind_proxy.test_request_context("/p/page", base_url=MAIN):
        for kind, until, good in (
            ("a", now + 60, True),
            ("a", now - 60, False),
            ("s", now + 60, False),
        ):
            head = f"{kind}.{until}.x"
            assert token_is_valid(f"{head}.{_sign(head, 'form', '', request.host.lower())}") is good
