"""A receiver of webhooks in the demo: keeps the last requests in memory and shows them as JSON."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

KEPT = 200
MOST_BODY = 64 * 1024


class Inbox:
    """POST /inbox/<path> keeps what came and answers 204; GET of a path lists what came there."""

    name = "inbox"

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def wsgi_app(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request; a deque needs no lock."""
        request = Request(environ)
        request.max_content_length = MOST_BODY
        answer = self._keep(request) if request.method == "POST" else self._list(request.path)
        return answer(environ, start)

    def demo_config(self) -> Mapping[str, str | int | bool]:
        """Nothing: no plugin speaks to it."""
        return {}

    def _keep(self, request: Request) -> Response:
        try:
            body = request.get_data(as_text=True)
        except RequestEntityTooLarge:
            return Response(status=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        message = {"path": request.path, "at": int(time.time()), "headers": headers, "body": body}
        self._kept.append(message)
        return Response(status=204)

    def _list(self, path: str) -> Response:
        found = [one for one in tuple(self._kept) if path in ("", "/", one["path"])]
        return Response(json.dumps(found, ensure_ascii=False), mimetype="application/json")
