"""The addresses of the document, and that it names exactly the addresses there are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import escape

from kameng.openapi.domain.refusals import REFUSALS
from kameng.openapi.views.document import page

from ..conftest import MAIN, YE  # noqa: TID252  # the market is one folder up

ROOT = Path(__file__).resolve().parents[3]
OPENAPI = ROOT / "platform/kameng/openapi"
JSON, DOCS = "/api/v1/openapi.json", "/api/v1/docs"


def test_T8_the_document_and_the_application_have_the_same_operations(market: Any) -> None:
    document = market.browser().get(JSON, base_url=MAIN).get_json()
    described = {
        (path, method.upper()) for path, methods in document["paths"].items() for method in methods
    }
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in market.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and "<path:" not in rule.rule  # that answers 404
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == served


def test_T8_every_refusal_that_code_names_is_in_the_catalogue() -> None:
    named = set(refused_codes())
    assert len(named) > 15
    assert named - REFUSALS.keys() == set()


def refused_codes() -> Iterator[str]:
    """First arguments of `refused("…")` in all that programs can reach."""
    for path in OPENAPI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "refused":
                continue
            yield from (str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant))


def test_T8_the_document_is_for_the_host_that_was_asked(market: Any) -> None:
    for base in (MAIN, YE):
        answer = market.browser().get(JSON, base_url=base)
        assert answer.status_code == 200
        assert answer.mimetype == "application/json"
        assert answer.get_json()["servers"][0]["url"] == base
        assert answer.headers["X-Request-Id"]


def test_T8_the_language_is_chosen_by_address_else_by_the_browser(market: Any) -> None:
    def title(path: str, accepts: str = "") -> str:
        headers = {"Accept-Language": accepts} if accepts else {}
        answer = market.browser().get(path, base_url=MAIN, headers=headers)
        assert "Accept-Language" in answer.headers["Vary"]
        return str(answer.get_json()["info"]["title"])

    assert title(JSON) == "卡盟开放接口"
    assert title(JSON, "fr") == "卡盟开放接口"
    assert title(JSON, "zh-CN,zh;q=0.9,en;q=0.8") == "卡盟开放接口"
    assert title(JSON, "en-US,en;q=0.9") == "Kameng open API"
    assert title(f"{JSON}?lang=zh", "en") == "卡盟开放接口"
    assert title(f"{JSON}?lang=en", "zh") == "Kameng open API"


def test_T8_the_page_needs_no_key_and_no_foreign_host(market: Any) -> None:
    for language, word in (("zh", "五步接入"), ("en", "Five steps")):
        answer = market.browser().get(f"{DOCS}?lang={language}", base_url=MAIN)
        assert answer.status_code == 200
        assert word in answer.text
        policy = answer.headers["Content-Security-Policy"]
        nonces = set(re.findall(r'nonce="([^"]+)"', answer.text))
        assert len(nonces) == 1
        assert f"'nonce-{nonces.pop()}'" in policy
        assert "unsafe" not in policy
        loaded = re.findall(r'(?:src|href)="([^"#?]+)', answer.text)
        assert [address for address in loaded if "//" in address] == []
        assert not re.search(r'\s(?:style|on\w+)="', answer.text)


def test_T8_the_page_shows_every_call_every_code_and_the_very_samples(market: Any) -> None:
    browser = market.browser()
    document = browser.get(JSON, base_url=MAIN).get_json()
    text = browser.get(DOCS, base_url=MAIN).text
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in text
    for name in document["components"]["schemas"]:
        assert name in ("Money", "Time") or name in text
    for code, one in REFUSALS.items():
        assert f'id="error-{code}"' in text
        assert str(one.number) in text
    for sample in page.samples():
        assert str(escape(sample.text)) in text
    anchors = set(re.findall(r'href="#([^"]+)"', text))
    assert anchors - set(re.findall(r'id="([^"]+)"', text)) == set()
