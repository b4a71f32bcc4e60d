"""Hosts, audiences, headers and error pages over HTTP."""

from __future__ import annotations

import psycopg
import pytest
from flask import Blueprint, Flask, Response, g, jsonify, request
from flask.testing import FlaskClient
from sqlalchemy import text

from kameng.db import current_scope, db
from kameng.stations import api as stations
from kameng.web import audiences, translations

MAIN = "http://main.localhost:8000"
SHOP = "http://alpha.localhost:8000"


@pytest.fixture(scope="module")
def doors(app: Flask, database: str) -> Flask:
    """The application with one page per audience, and two stations."""
    translations.compile_catalogue(translations.catalogue_path("en"))
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO station(id, parent_id, path, slug, name, state) VALUES"
            " (1, NULL, '{1}', 'main', '卡盟', 'active'),"
            " (7, 1, '{1,7}', 'alpha', '甲店', 'active'),"
            " (8, 1, '{1,8}', 'beta', '乙店', 'suspended')"
        )
        owner.execute(
            "INSERT INTO host(host, station_id, kind) VALUES ('main.localhost', 1, 'main'),"
            " ('alpha.localhost', 7, 'subdomain'), ('beta.localhost', 8, 'subdomain')"
        )
    _add_pages(app)
    return app


def _add_pages(app: Flask) -> None:
    for audience in ("main", "station", "webhook", "api", "any"):
        pages = Blueprint(f"t_{audience}", __name__)

        def page() -> Response:
            seen = db.session.execute(text("SELECT count(*) FROM station")).scalar()
            scope = current_scope()
            return jsonify(station=g.station.id, seen=seen, role=scope.role, ip=request.remote_addr)

        pages.add_url_rule(f"/t/{audience}", "page", page, methods=["GET", "POST"])
        audiences.register(app, pages, audience)  # type: ignore[arg-type]
    desk = Blueprint("t_desk", __name__)
    desk.add_url_rule("/admin/t", "page", page)
    desk.add_url_rule("/hooks/t", "hook", page)
    audiences.register(app, desk, "main")
    stray = Blueprint("t_stray", __name__)
    stray.add_url_rule("/t/stray", "page", page)
    app.register_blueprint(stray)

    broken = Blueprint("t_broken", __name__)

    def fail() -> Response:
        raise RuntimeError("secret detail 13812345678")

    broken.add_url_rule("/t/broken", "page", fail)
    audiences.register(app, broken, "any")


@pytest.fixture
def client(doors: Flask) -> FlaskClient:
    stations.forget_hosts()
    return doors.test_client()


def test_a_page_runs_in_the_scope_of_its_hosts_station(client: FlaskClient) -> None:
    answer = client.get("/t/station", base_url=SHOP).json
    assert answer == {"station": 7, "seen": 1, "role": "app", "ip": "127.0.0.1"}


def test_the_console_runs_across_stations_on_the_main_host_only(client: FlaskClient) -> None:
    assert client.get("/admin/t", base_url=MAIN).json["seen"] == 3
    assert client.get("/admin/t", base_url=SHOP).status_code == 404


def test_an_endpoint_without_audience_is_refused(client: FlaskClient) -> None:
    assert client.get("/t/stray", base_url=MAIN).status_code == 404


def test_main_pages_do_not_answer_at_stations(client: FlaskClient) -> None:
    assert client.get("/t/main", base_url=MAIN).status_code == 200
    assert client.get("/t/main", base_url=SHOP).status_code == 404


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "alpha.localhost.evil.example",
        "",
        "a..b",
        "alpha.localhost:x",
        "a b",
        "[::1]",
        "é.localhost",
    ],
)
def test_an_unknown_host_is_misdirected(client: FlaskClient, host: str) -> None:
    answer = client.get("/t/any", headers={"Host": host})
    assert answer.status_code in (400, 404, 421)
    assert "店铺" in answer.text or answer.status_code == 400


def test_a_suspended_station_shows_a_page_and_sells_nothing(client: FlaskClient) -> None:
    answer = client.get("/t/station", base_url="http://beta.localhost:8000")
    assert answer.status_code == 503
    assert "店铺暂停营业" in answer.text


def test_errors_speak_the_callers_language_and_format(client: FlaskClient) -> None:
    page = client.get("/nowhere", base_url=SHOP)
    assert page.status_code == 404
    assert "页面不存在" in page.text
    assert 'lang="zh-CN"' in page.text
    answer = client.get("/nowhere", base_url=SHOP, headers={"Accept": "application/json"})
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == "not_found"
    assert answer.json["request_id"]


def test_an_exception_shows_no_detail(doors: Flask) -> None:
    doors.config["PROPAGATE_EXCEPTIONS"] = False
    doors.testing = False
    try:
        answer = doors.test_client().get("/t/broken", base_url=SHOP)
    finally:
        doors.testing = True
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
    assert "系统出错了" in answer.text


def test_pages_carry_the_security_headers(client: FlaskClient) -> None:
    headers = client.get("/nowhere", base_url=SHOP).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "style-src 'self' 'nonce-" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-Id"]


def test_probes_answer_without_a_host(client: FlaskClient) -> None:
    assert client.get("/livez", headers={"Host": "whatever"}).status_code == 200
    ready = client.get("/readyz", headers={"Host": "whatever"})
    assert ready.json == {"status": "ok", "database": "ok", "redis": "ok"}
    assert "kameng_orders" in client.get("/metrics").text


def test_certificates_are_for_known_hosts_and_near_askers(client: FlaskClient) -> None:
    ask = "/internal/tls-check?domain="
    assert client.get(ask + "alpha.localhost").status_code == 200
    assert client.get(ask + "evil.example").status_code == 404
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get(ask + "alpha.localhost", environ_base=far).status_code == 404
    assert client.get("/metrics", environ_base=far).status_code == 404
    through_proxy = {"X-Forwarded-For": "127.0.0.1"}
    assert client.get("/metrics", headers=through_proxy).status_code == 404


def test_english_only_when_chosen(client: FlaskClient) -> None:
    wish = {"Accept-Language": "en-US,en;q=0.9"}
    assert 'lang="zh-CN"' in client.get("/nowhere", base_url=SHOP, headers=wish).text
    assert 'lang="en"' in client.get("/nowhere?lang=en", base_url=SHOP).text
    assert 'lang="en"' in client.get("/nowhere", base_url=SHOP).text
    assert 'lang="zh-CN"' in client.get("/nowhere?lang=zh-CN", base_url=SHOP).text


def test_error_pages_are_translated(client: FlaskClient) -> None:
    page = client.get("/nowhere?lang=en", base_url=SHOP).text
    assert "Page not found" in page
    assert "页面不存在" not in page
