"""The way of a request: bytes as they come over the line, read by the web server that we run.

Only the socket is missing. So repeated headers, broken chunks and odd addresses reach the
application exactly as in service, or are stopped by the server as there.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser

HOST = "deer.localhost:8000"
Headers = list[tuple[str, str]]
_places = itertools.count(1)


@dataclass(frozen=True)
class Sent:
    """A request before it is signed. `target`: the address as it stands in the first line."""

    method: str
    target: bytes
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[int, ...] = ()  # sizes of chunks; empty: the length is told before
    cut: int = 0  # so many bytes are lost on the way

    @property
    def path(self) -> str:
        """The target as the server hands it to the application."""
        return self.target.decode("latin-1")

    def head(self, signed: Mapping[str, str]) -> bytes:
        length = (
            "Transfer-Encoding: chunked" if self.chunks else f"Content-Length: {len(self.body)}"
        )
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {HOST}", length]
        lines += [f"{name}: {value}" for name, value in (*self.headers, *signed.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", errors="replace")

    def content(self) -> bytes:
        if not self.chunks:
            return self.body
        found, rest = b"", self.body
        for size in itertools.cycle(self.chunks):
            piece, rest = rest[:size], rest[size:]
            found += b"%x\r\n%s\r\n" % (len(piece), piece)
            if not piece:
                return found
        raise AssertionError("cycles end with the body")


@dataclass(frozen=True)
class Answer:
    """What came back; `status` 0: the server refused before the application saw it."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", [""])[0].partition(";")[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Line:
    """A web server without sockets in front of an application."""

    def __init__(self, app: Any) -> None:
        self.app, self.config = app, Config()

    def carry(self, sent: Sent, signed: Mapping[str, str]) -> Answer:
        """One request; each comes from an address of its own, as limits go by addresses, too."""
        number = next(_places)
        client = (f"198.18.{number // 250 % 250}.{number % 250}", 40000)
        content = sent.content()
        parts = [sent.head(signed), content[: max(0, len(content) - sent.cut)]]
        try:
            read = next(RequestParser(self.config, iter(parts), client))
        except ParseException:
            return Answer(0, {}, b"")
        _response, environ = wsgi.create(read, None, client, ("127.0.0.1", 8000), self.config)
        return self.ask(environ)

    def ask(self, environ: dict[str, Any]) -> Answer:
        told: list[tuple[str, Headers]] = []
        pieces: Iterable[bytes] = self.app(environ, lambda *what: told.append(what[:2]))
        body = b"".join(pieces)
        close = getattr(pieces, "close", None)
        if close:
            close()
        status, listed = told[-1]
        headers: dict[str, list[str]] = {}
        for name, value in listed:
            headers.setdefault(name.lower(), []).append(value)
        return Answer(int(status.split()[0]), headers, body)
