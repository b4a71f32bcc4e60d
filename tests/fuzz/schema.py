"""Requests that Schemathesis makes of the document, and its own checks of the answers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks

from .shop import Known
from .wire import HOST, Answer, Sent

BASE = f"http://{HOST}"
# Made by the client's library or by us; the rest of a request goes out as Schemathesis has it.
OWN_HEADERS = {"content-length", "host", "transfer-encoding", "cookie"}
CHECKS = [
    checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance,
]  # fmt: skip
# Everybody may read these, in one language or the other whatever was asked for.
LENIENT = ("/openapi.json", "/docs")
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def unsigned(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without keys and signatures: every request gets right ones when it is done."""
    found: dict[str, Any] = copy.deepcopy(dict(document))
    found["servers"] = [{"url": BASE}]
    found["components"].pop("securitySchemes")
    for operation in _operations(found):
        operation.pop("security")
    return found


def of_what_exists(document: Mapping[str, Any], known: Known, days: list[str]) -> dict[str, Any]:
    """The same for requests that mean real goods and orders, so that more than 404 comes back.

    It is narrower than what is promised: what it calls wrong may be right.
    """
    found = unsigned(document)
    real = {"sku": list(known.skus), "order_no": known.orders, "day": days,
            "merchant_order_no": known.numbers}  # fmt: skip
    for operation in _operations(found):
        for one in operation["parameters"]:
            if one["name"] in real:
                one["schema"] = {"type": "string", "enum": real[one["name"]]}
    wish = found["components"]["schemas"]["OrderRequest"]["properties"]
    wish["quantity"]["maximum"] = 3
    for name, values in {
        "sku": real["sku"], "max_total": ["9999", "98.61", "0.01"],
        "notify_url": ["https://shop.example/n"],
    }.items():  # fmt: skip
        wish[name] = {"type": "string", "enum": values}
    phone = {"type": "string", "enum": ["13800136021"]}
    wish["inputs"] = {
        "type": "object",
        "properties": {"phone": phone},
        "additionalProperties": False,
    }
    return found


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def cases(document: dict[str, Any]) -> Iterator[tuple[str, st.SearchStrategy[Case]]]:
    """Name and strategy of every operation, with data that fits and data that does not."""
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in MODES:
            if mode == GenerationMode.POSITIVE or operation.query or operation.body:
                name = f"{operation.method.upper()} {operation.path} {mode.value}"
                yield name, operation.as_strategy(generation_mode=mode)


def boundaries(document: dict[str, Any]) -> Iterator[tuple[str, Case]]:
    """The cases that Schemathesis always tries: every limit from both sides, every wrong method."""
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        operation = found.ok()
        settings = schema.config.generation_for(operation=operation)
        for case in schema.iter_coverage_cases(
            operation, generation_modes=list(MODES), generation_config=settings
        ):
            yield operation.label, case


def sent_of(case: Case) -> tuple[Sent, requests.PreparedRequest] | None:
    """The request as a client would send it; None for what no client can send."""
    try:
        made = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
    except (requests.exceptions.InvalidHeader, UnicodeError):
        return None
    parts = urlsplit(made.url or "")
    target = (parts.path + (f"?{parts.query}" if parts.query else "")).encode()
    body = made.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    headers = tuple((n, str(v)) for n, v in made.headers.items() if n.lower() not in OWN_HEADERS)
    return Sent(case.method, target, body, headers), made


def objections(
    case: Case, made: requests.PreparedRequest, answer: Answer, *, strict: bool
) -> list[str]:
    """What Schemathesis finds wrong with an answer; ``strict``: wrong data must be refused."""
    response = Response(
        answer.status, answer.headers, answer.body, made, timedelta().total_seconds(), True
    )
    more = [checks.negative_data_rejection] if strict and not case.path.endswith(LENIENT) else []
    try:
        case.validate_response(response, [*CHECKS, *more])
    except FailureGroup as group:
        return [f"{one.title}: {one.message[:300]}" for one in group.exceptions]
    return []
