"""The whole application as `gunicorn wsgi:app` serves it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask

from kameng.db import db
from kameng.settings import Settings
from kameng.web import audiences

ROOT = Path(__file__).resolve().parents[2]


def load_wsgi() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wsgi_under_test", ROOT / "wsgi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def whole(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    dist = tmp_path_factory.mktemp("dist")
    (dist / "shop-AB12CD34.css").write_text("body{}")
    application = load_wsgi().build(settings, dist)
    application.testing = True
    yield application
    with application.app_context():
        for engine in db.engines.values():
            engine.dispose()


def test_every_endpoint_belongs_to_an_audience(whole: Flask) -> None:
    with whole.app_context():
        stray = [
            rule.rule
            for rule in whole.url_map.iter_rules()
            if rule.endpoint != "static" and audiences.audience_of(whole, rule) is None
        ]
    assert stray == []


def test_only_probes_work_without_a_host(whole: Flask) -> None:
    internal = {
        rule.rule
        for rule in whole.url_map.iter_rules()
        if audiences.audience_of(whole, rule) == "internal"
    }
    probes = {"/livez", "/readyz", "/metrics", "/internal/tls-check", "/favicon.ico"}
    assert internal == {*probes, "/static/<path:filename>"}


def test_the_console_is_for_the_main_station(whole: Flask) -> None:
    console = [rule for rule in whole.url_map.iter_rules() if rule.rule.startswith("/admin")]
    assert {audiences.audience_of(whole, rule) for rule in console} <= {"main"}


def test_bundles_are_cached_for_good(whole: Flask) -> None:
    answer = whole.test_client().get("/static/dist/shop-AB12CD34.css")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    answer.close()
