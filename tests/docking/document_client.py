"""A client that knows nothing but the OpenAPI document: its paths, its shapes, its prose on signing.

It imports nothing of the product. What is answered is held against the document's schemas.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from jsonschema import Draft202012Validator


class Refused(Exception):
    """The server said no; `code` is one of those that the document names for the operation."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem['code']}")
        self.status, self.code, self.problem = status, problem["code"], problem


@dataclass(frozen=True)
class Answer:
    """A good answer; `content` is JSON or text."""

    status: int
    content: Any
    headers: httpx.Headers


class DocumentClient:
    """Calls operations by their `operationId`."""

    def __init__(self, base_url: str, host: str, key: str, secret: str) -> None:
        self.key, self.secret = key, secret
        # `*.localhost` is a name for browsers; programs say it in a header.
        self.http = httpx.Client(base_url=base_url, headers={"Host": host}, timeout=30)
        self.document = self.http.get("/api/v1/openapi.json?lang=en").json()
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def call(
        self, name: str, given: Any = None, *, accept: str = "application/json", **values: Any
    ) -> Answer:
        """Call an operation; `values` are its path and query parameters."""
        method, path, operation = self.operations[name]
        target = self._target(path, operation, values)
        body = b"" if given is None else json.dumps(given, ensure_ascii=False).encode()
        headers = {"Accept": accept, "Content-Type": "application/json"}
        headers |= self._signed(method, target, body)
        answer = self.http.request(method, target, content=body, headers=headers)
        return self._read(operation, answer)

    def _target(self, path: str, operation: dict[str, Any], values: dict[str, Any]) -> str:
        query = {}
        for parameter in operation["parameters"]:
            name = parameter["name"]
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", quote(str(values.pop(name)), safe=""))
            elif name in values:
                query[name] = values.pop(name)
        assert values == {}, "the document knows no such parameter"
        return f"{path}?{urlencode(query)}" if query else path

    def _signed(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """As the chapter on signing has it: five lines, HMAC-SHA256, hex."""
        schemes = self.document["components"]["securitySchemes"]
        stamp, nonce = str(int(time.time())), secrets.token_hex(16)
        digest = hashlib.sha256(body).hexdigest()
        text = "\n".join((method, target, stamp, nonce, digest))
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        values = (self.key, stamp, nonce, signature)
        names = ("KamengKey", "KamengTimestamp", "KamengNonce", "KamengSignature")
        return {schemes[n]["name"]: value for n, value in zip(names, values, strict=True)}

    def _read(self, operation: dict[str, Any], answer: httpx.Response) -> Answer:
        described = operation["responses"][str(answer.status_code)]
        kind = answer.headers["Content-Type"].partition(";")[0]
        content = answer.json() if kind.endswith("json") else answer.text
        self.check(described["content"][kind]["schema"], content)
        assert answer.headers["X-Request-Id"]
        if answer.is_success:  # who is refused at the door has not been counted
            assert [name for name in described["headers"] if name not in answer.headers] == []
        if answer.status_code >= 400:
            assert content["code"] in operation["x-codes"]
            raise Refused(answer.status_code, content)
        return Answer(answer.status_code, content, answer.headers)

    def check(self, schema: dict[str, Any], content: Any) -> None:
        """Hold a value against a schema of the document."""
        components = self.document["components"]
        Draft202012Validator({**schema, "components": components}).validate(content)

    def message(self, name: str, headers: dict[str, str], body: str) -> Any:
        """A webhook that was signed with the key's secret, read as the document describes it."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
        digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        wanted = f"v1,{base64.b64encode(digest).decode()}"
        assert wanted in headers["webhook-signature"].split(" "), "the signature is wrong"
        assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
        operation = self.document["webhooks"][name]["post"]
        content = json.loads(body)
        self.check(operation["requestBody"]["content"]["application/json"]["schema"], content)
        return content
