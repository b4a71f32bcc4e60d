"""The document: valid, complete in both languages, and true to the rules it describes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from kameng import signing
from kameng.openapi.domain.callers import SCOPES
from kameng.openapi.domain.refusals import REFUSALS
from kameng.openapi.views.document import build, page, source

ROOT = Path(__file__).resolve().parents[3]
VECTORS = json.loads((ROOT / "tests/contracts/native_vectors.json").read_text("utf-8"))
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
HOST = "http://main.localhost:8000/"
# Examples show the goods of a Chinese shop, and the pages of a member are Chinese by name.
CHINESE_BY_NATURE = ("example", "examples")


@pytest.fixture(scope="module", params=["zh", "en"])
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return build.document(request.param, HOST)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def texts(node: Any, name: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in CHINESE_BY_NATURE:
                yield from texts(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value, name)
    elif isinstance(node, str):
        yield node


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_every_example_fits_the_schema_beside_it(document: dict[str, Any]) -> None:
    seen = 0
    for content in contents(document):
        schema = {**content["schema"], "components": document["components"]}
        checker = Draft202012Validator(schema)
        for example in content.get("examples", {}).values():
            for step in example.get("$ref", "").split("/")[1:]:
                example = document[step] if step == "components" else example[step]
            checker.validate(example["value"])
            seen += 1
    assert seen > 100


def contents(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "content":
                yield from (media for kind, media in value.items() if kind.endswith("json"))
            else:
                yield from contents(value)
    elif isinstance(node, list):
        for value in node:
            yield from contents(value)


def test_both_languages_say_everything() -> None:
    pairs = list(found_pairs([source.part(name) for name in names_of_parts()]))
    assert len(pairs) > 300
    assert [pair for pair in pairs if not all(pair.values())] == []
    wrong = [pair for pair in pairs if not CHINESE.search(pair["zh"]) and "`" not in pair["zh"]]
    assert wrong == []


def names_of_parts() -> list[str]:
    return [path.stem for path in (source.FOLDER / "data").glob("*.json")]


def found_pairs(node: Any) -> Iterator[dict[str, str]]:
    if isinstance(node, dict) and node.keys() == source.PAIR:
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from found_pairs(value)
    elif isinstance(node, list):
        for value in node:
            yield from found_pairs(value)


def test_english_is_english_but_for_the_names_of_pages() -> None:
    document = build.document("en", HOST)
    left = {
        text
        for text in texts(document)
        if CHINESE.search(text.replace("我的 › 开发者接口", "").replace(" › 通知地址", ""))
    }
    assert left == set()


def test_operations_are_named_once_and_ask_for_a_known_scope(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(names) == len(set(names)) == 12
    for path, _method, operation in operations(document):
        scopes = {
            role for need in operation["security"] for roles in need.values() for role in roles
        }
        assert scopes <= set(SCOPES)
        assert bool(scopes) != (path in ("/api/v1/openapi.json", "/api/v1/docs"))


def test_every_refusal_is_listed_with_what_to_do(document: dict[str, Any]) -> None:
    listed = {one["code"]: one for one in document["x-errors"]}
    assert list(listed) == list(REFUSALS)
    assert source.part("codes")["advice"].keys() == REFUSALS.keys()
    for code, one in listed.items():
        assert one["number"] == REFUSALS[code].number
        assert one["status"] == REFUSALS[code].status


def test_every_refusal_stands_at_an_operation_or_for_wrong_addresses(
    document: dict[str, Any],
) -> None:
    codes = source.part("codes")
    named = {*codes["address"], *codes["elsewhere"]}  # the latter: a member's pages
    for _path, _method, operation in operations(document):
        assert operation["x-codes"] == [code for code in REFUSALS if code in operation["x-codes"]]
        named |= set(operation["x-codes"])
        for code in operation["x-codes"]:
            shown = operation["responses"][str(REFUSALS[code].status)]["content"][build.PROBLEM]
            assert code in shown["examples"]
    assert REFUSALS.keys() - named == set()


def test_a_limited_answer_names_its_headers(document: dict[str, Any]) -> None:
    for _path, _method, operation in operations(document):
        for status, response in operation["responses"].items():
            wanted = {"X-Request-Id"}
            if operation["security"]:
                wanted |= {"RateLimit-Policy", "RateLimit"}
            if status == "429":
                wanted.add("Retry-After")
            assert set(response["headers"]) == wanted


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["note"])
def test_a_vector_is_signed_as_the_server_signs(vector: dict[str, str]) -> None:
    given = [vector[name] for name in ("secret", "method", "path", "timestamp", "nonce")]
    assert signing.signature(*given, vector["body"].encode()) == vector["signature"]


def test_the_document_shows_the_first_vector(document: dict[str, Any]) -> None:
    shown, first = source.vector(), VECTORS[0]
    assert {name: shown[name] for name in first if name != "note"} == {
        name: value for name, value in first.items() if name != "note"
    }
    assert shown["signature"] in document["info"]["description"]
    assert shown["text"] in document["info"]["description"]


def test_small_marks_become_markup_and_nothing_else_does() -> None:
    assert page.rich("a `b<c` **d** <e>") == ("a <code>b&lt;c</code> <strong>d</strong> &lt;e&gt;")
