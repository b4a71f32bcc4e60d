"""The product under granian: it starts, serves, logs and stops as under gunicorn."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from flask import Flask
from tests.conftest import free_port

from kameng.db import main_scope
from kameng.ops import services
from kameng.ops.granian_server import hide_from_requests
from kameng.ops.supervisor import Supervisor
from kameng.settings import Settings
from kameng.stations import api as stations


class Web:
    """A web server of the product on a database of the tests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = replace(settings, port=free_port())
        self.log = settings.home / "web.log"
        self.supervisor = Supervisor(settings.home, say=lambda _text: None)
        urls = {
            "KAMENG_DATABASE_URL": settings.database_url,
            "KAMENG_REDIS_URL": settings.redis_url,
            "KAMENG_SECRET_KEY": settings.secret_key,
            "KAMENG_MASTER_KEY": settings.master_key,
            "KAMENG_WEB_WORKERS": "1",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        environ = {**services.child_environment(self.settings), **urls}
        self.supervisor.start(services.web(self.settings, environ, services.GRANIAN))

    def cut_off(self, request: bytes) -> None:
        """Send these bytes, and go."""
        with socket.create_connection(("127.0.0.1", self.settings.port), timeout=10) as connection:
            connection.sendall(request)

    def lines(self) -> list[dict[str, object]]:
        text = self.log.read_text("utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def lines_of(self, request: str) -> list[dict[str, object]]:
        """All about one request; they are written a moment after its answer."""
        give_up = time.monotonic() + 10
        while True:
            found = [line for line in self.lines() if line.get("request_id") == request]
            if found or time.monotonic() > give_up:
                return found
            time.sleep(0.02)


@pytest.fixture(scope="module")
def web(app: Flask, settings: Settings) -> Iterator[Web]:
    with app.app_context(), main_scope(reason="test"):
        stations.create_main_station("Main")
    made = Web(settings)
    yield made
    made.supervisor.stop()


@pytest.fixture
def page(web: Web) -> httpx.Response:
    """An answer of the product itself: the name of no station is refused in words."""
    url = f"http://127.0.0.1:{web.settings.port}/nowhere?secret=1"
    return httpx.get(url, headers={"Host": "nobody.localhost"}, trust_env=False)


def test_it_serves_and_logs_each_request_once_without_its_query(
    web: Web, page: httpx.Response
) -> None:
    assert page.status_code == 421
    name = page.headers["X-Request-Id"]
    (line,) = web.lines_of(name)
    assert (line["ip"], line["status"]) == ("127.0.0.1", 421)
    assert "secret" not in json.dumps(line)


def test_what_the_server_says_goes_the_way_of_all_lines(web: Web) -> None:
    assert any("Spawning worker" in str(line.get("event")) for line in web.lines())


def test_a_body_that_breaks_off_is_refused(web: Web) -> None:
    """Granian itself would hand over what has come as if it were all."""
    web.cut_off(
        b"POST /hooks/payment-epay/x HTTP/1.1\r\nHost: main.localhost\r\n"
        b"Content-Length: 10\r\n\r\nabc"
    )
    found: list[object] = []
    end = time.monotonic() + 10
    while not found and time.monotonic() < end:
        time.sleep(0.05)
        found = [line["status"] for line in web.lines() if "/hooks/" in str(line.get("route"))]
    assert found == [400]


def test_secrets_and_false_headers_leave_the_environment_of_requests() -> None:
    environ = {"KAMENG_SECRET_KEY": "s", "HTTP_PROXY": "p", "PATH": "x"}
    hide_from_requests(environ)
    assert environ == {"PATH": "x"}
