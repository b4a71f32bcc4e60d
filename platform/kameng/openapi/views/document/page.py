"""The document as a page: what the template shows, read from the document itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import json
from markupsafe import Markup, escape

from kameng.openapi.views.document.build import Node, document
from kameng.openapi.views.document.prose import chapters
from kameng.openapi.views.document.source import FOLDER, Language, vector

# Where a reader finds the file, what the tab says, and how it is run.
SAMPLES = (
    ("curl", "curl.sh", "bash curl.sh"),
    ("Python", "kameng_sample.py", "python3 kameng_sample.py"),
    ("PHP", "sample.php", "php sample.php"),
    ("Java", "Sample.java", "java Sample.java"),
    ("Node", "sample.mjs", "node sample.mjs"),
)

# Bodies of requests and of messages stand where they are sent.
SHOWN_ELSEWHERE = {
    "OrderRequest", "RefundRequestNew", "OrderEvent", "TopUpEvent", "RefundRequestEvent",
    "TestEvent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """A whole program, as it is run by the tests."""

    label: str
    name: str
    run: str
    text: str


@cache
def samples() -> tuple[Sample, ...]:
    """The programs beside this module."""
    folder = FOLDER / "samples"
    return tuple(
        Sample(label, name, run, (folder / name).read_text(encoding="utf-8"))
        for label, name, run in SAMPLES
    )


def context(language: Language, base_url: str) -> Node:
    """All that the template needs."""
    whole = document(language, base_url)
    return {
        "document": whole,
        "chapters": chapters(language),
        "operations": [_operation(whole, *place) for place in _places(whole["paths"])],
        "events": [_event(whole, one["post"]) for one in whole["webhooks"].values()],
        "objects": {name: _rows(one) for name, one in _objects(whole).items()},
        "shown_elsewhere": SHOWN_ELSEWHERE,
        "errors": whole["x-errors"],
        "samples": samples(),
        "vector": vector(),
        "base_url": base_url.rstrip("/"),
        "rich": rich,
    }


def rich(text: str) -> Markup:
    """The little CommonMark that the texts use: `code` and **strong**."""
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", safe))


def _places(paths: Node) -> list[tuple[str, str]]:
    return [(path, method) for path, methods in paths.items() for method in methods]


def _operation(whole: Node, path: str, method: str) -> Node:
    found = whole["paths"][path][method]
    good = {status: one for status, one in found["responses"].items() if status < "400"}
    first: Node = next(iter(good.values()))
    return {
        **found,
        "path": path,
        "method": method.upper(),
        "scope": "".join(found["security"][0]["KamengKey"]) if found["security"] else "",
        "body": _names(found.get("requestBody", {})),
        "body_examples": _shown(whole, found.get("requestBody", {})),
        "answers": [(status, one["description"], _names(one)) for status, one in good.items()],
        "answer_examples": _shown(whole, first),
    }


def _event(whole: Node, event: Node) -> Node:
    body = event["requestBody"]
    return {**event, "body": _names(body), "body_examples": _shown(whole, body)}


def _names(part: Node) -> list[str]:
    """Names of the objects that a body or an answer may be."""
    media: list[Node] = list(part.get("content", {}).values())
    schema: Node = media[-1]["schema"] if media else {}
    return [
        one["$ref"].rpartition("/")[2] for one in schema.get("oneOf", [schema]) if "$ref" in one
    ]


def _shown(whole: Node, part: Node) -> list[tuple[str, str]]:
    """Examples with a heading each, as they go over the wire."""
    found = []
    for media, content in part.get("content", {}).items():
        if "example" in content:
            found.append((media, str(content["example"])))
        for example in content.get("examples", {}).values():
            named = _followed(whole, example)
            found.append((named.get("summary", media), _text(named["value"])))
    return found


def _followed(whole: Node, node: Node) -> Node:
    """What a reference of the document stands for."""
    while "$ref" in node:
        _hash, *way = node["$ref"].split("/")
        node = whole
        for step in way:
            node = node[step]
    return node


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False)


def _objects(whole: Node) -> Node:
    return {n: s for n, s in whole["components"]["schemas"].items() if s.get("type") == "object"}


def _rows(schema: Node, before: str = "") -> list[Node]:
    """A row for each field; the fields of a nested object follow it."""
    rows = []
    for name, field in schema["properties"].items():
        rows.append({
            "name": before + name, "type": _kind(field), "description": field["description"],
            "required": name in schema.get("required", []), "object": _object(field),
        })  # fmt: skip
        if "properties" in field:
            rows += _rows(field, f"{before}{name}.")
    return rows


def _object(field: Node) -> str:
    """The object that a field leads to, if it has a table of its own."""
    reference = str(field.get("items", field).get("$ref", ""))
    name = reference.rpartition("/")[2]
    return "" if name in ("Money", "Time") else name


def _kind(field: Node) -> str:
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if field.get("type") == "array":
        return f"[{_kind(field['items'])}]"
    kind = field["type"]
    return " | ".join(kind) if isinstance(kind, list) else str(kind)
