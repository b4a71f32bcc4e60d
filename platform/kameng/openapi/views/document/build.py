"""The OpenAPI 3.1 document: parts and the catalogue of refusals put together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kameng.openapi.domain.refusals import REFUSALS, Refusal
from kameng.openapi.views.document.prose import markdown
from kameng.openapi.views.document.source import Language, errors, part, spoken, title

Node = dict[str, Any]
PROBLEM = "application/problem+json"
# What can be answered where nothing is signed.
PUBLIC_CODES = ("unknown_host", "internal", "unavailable")
LIMITED = ("RequestId", "RateLimitPolicy", "RateLimit")


def document(language: Language, base_url: str) -> Node:
    """The whole document in one language, for the station at this address."""
    info = part("info")
    whole = {
        "openapi": "3.1.1",
        "info": {
            "title": info["title"], "summary": info["summary"], "version": info["version"],
            "description": markdown(language),
        },
        "servers": [{"url": base_url.rstrip("/"), "description": part("parts")["server"]}],
        "tags": info["tags"],
        "paths": _paths(),
        "webhooks": _webhooks(),
        "components": _components(language),
        "x-errors": errors(language),
    }  # fmt: skip
    found: Node = spoken(whole, language)
    return found


def codes_of(operation: Mapping[str, Any]) -> list[str]:
    """Every code that an operation may answer with, in the catalogue's order."""
    if operation.get("public"):
        wanted = set(PUBLIC_CODES)
    else:
        wanted = {*part("codes")["every"], *operation["codes"], "unknown_host"}
    return [code for code in REFUSALS if code in wanted]


def _paths() -> Node:
    found: Node = {}
    for operation in part("operations"):
        found.setdefault(operation["path"], {})[operation["method"]] = _operation(operation)
    return found


def _operation(operation: Node) -> Node:
    public = operation.get("public", False)
    found = {
        "operationId": operation["operationId"],
        "tags": operation["tags"],
        "summary": operation["summary"],
        "description": operation["description"],
        "parameters": _parameters(operation),
        "responses": {**_answers(operation), **_refusals(operation)},
        "security": [] if public else [_security(operation["scope"])],
        "x-codes": codes_of(operation),
    }
    if "body" in operation:
        found["requestBody"] = _body(operation["body"])
    return found


def _webhooks() -> Node:
    known = part("webhooks")
    return {one["operationId"]: {"post": _webhook(known, one)} for one in known["events"]}


def _webhook(known: Node, event: Node) -> Node:
    return {
        "operationId": event["operationId"],
        "tags": [event["tag"]],
        "summary": event["summary"],
        "description": event["description"],
        "parameters": known["parameters"],
        "requestBody": {
            "required": True,
            "content": {"application/json": _shown(event["schema"], event["example"])},
        },
        "responses": known["responses"],
        "security": [],
    }


def _security(scope: str) -> Node:
    return {name: [scope] if name == "KamengKey" else [] for name in part("parts")["security"]}


def _parameters(operation: Node) -> list[Node]:
    known = part("parts")["parameters"]
    names = re.findall(r"{(\w+)}", operation["path"])
    inside = [{"name": name, "in": "path", "required": True, **known[name]} for name in names]
    return inside + [{"in": "query", **one} for one in operation.get("query", [])]


def _body(body: Node) -> Node:
    content = {"schema": _schema(body["schema"]), "examples": body["examples"]}
    return {"required": True, "content": {"application/json": content}}


def _answers(operation: Node) -> Node:
    return {
        status: {
            "description": answer["description"],
            "headers": _headers(*_common(operation)),
            "content": _content(answer),
        }
        for status, answer in operation["answers"].items()
    }


def _content(answer: Node) -> Node:
    if "media" in answer:
        kind = "object" if answer["media"].endswith("json") else "string"
        return {answer["media"]: {"schema": {"type": kind}}}
    found = {"application/json": _shown(answer["schema"], answer["example"])}
    if "csv" in answer:
        found = {"text/csv": {"schema": {"type": "string"}, "example": answer["csv"]}, **found}
    return found


def _shown(schema: str | list[str], example: str) -> Node:
    named = {"$ref": f"#/components/examples/{example}"}
    return {"schema": _schema(schema), "examples": {example: named}}


def _schema(name: str | list[str]) -> Node:
    if isinstance(name, list):
        return {"oneOf": [_schema(one) for one in name]}
    return {"$ref": f"#/components/schemas/{name}"}


def _refusals(operation: Node) -> Node:
    by_status: dict[int, list[str]] = {}
    for code in codes_of(operation):
        by_status.setdefault(REFUSALS[code].status, []).append(code)
    common = _common(operation)
    return {str(status): _refusal(status, codes, common) for status, codes in by_status.items()}


def _refusal(status: int, codes: list[str], headers: tuple[str, ...]) -> Node:
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": part("parts")["refused"],
        "headers": _headers(*headers, *(["RetryAfter"] if status == 429 else [])),
        "content": {PROBLEM: {"schema": _schema("Problem"), "examples": examples}},
    }


def _common(operation: Node) -> tuple[str, ...]:
    """Headers of all its answers; nobody is counted where nothing is signed."""
    return LIMITED[:1] if operation.get("public") else LIMITED


def _headers(*names: str) -> Node:
    known = part("parts")["headers"]
    return {known[name]["name"]: {"$ref": f"#/components/headers/{name}"} for name in names}


def _components(language: Language) -> Node:
    parts = part("parts")
    plain = {name: {"value": value} for name, value in part("examples").items()}
    refused = {code: _example(one, language) for code, one in REFUSALS.items()}
    return {
        "schemas": part("schemas"),
        "examples": {**plain, **refused},
        "headers": {
            name: {key: value for key, value in header.items() if key != "name"}
            for name, header in parts["headers"].items()
        },
        "securitySchemes": {
            name: {"type": "apiKey", "in": "header", **scheme}
            for name, scheme in parts["security"].items()
        },
    }


def _example(one: Refusal, language: Language) -> Node:
    value = {
        "type": f"/api/v1/docs#error-{one.code}", "title": title(one, language),
        "status": one.status, "code": one.code, "number": one.number,
        "request_id": part("parts")["headers"]["RequestId"]["example"],
    }  # fmt: skip
    return {"summary": title(one, language), "value": value}
