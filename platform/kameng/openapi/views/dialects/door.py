"""What the doors of 卡速售 and 卡卡云 share: every path is answered here, and every trouble in the
protocol's own words, so that a program never meets a page."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
from flask import Blueprint, Response, request
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from kameng.errors import DomainError
from kameng.openapi.api import REFUSALS
from kameng.openapi.views.answering import ALIASES, BY_STATUS

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Statuses that programs of these systems do not expect, and that proxies and graphs go by.
HTTP_STATUS = {
    "not_found": 404, "method_not_allowed": 405, "too_large": 413, "unknown_host": 421,
    "internal": 500, "unavailable": 503,
}  # fmt: skip

Answer = Callable[[], Response]
Refuse = Callable[[str, str], Response]


def open_door(blueprint: Blueprint, find: Callable[[str], Answer | None], refuse: Refuse) -> None:
    """Send every path of a blueprint to what ``find`` finds for it, by POST.

    ``refuse`` writes a refusal from its code in the catalogue and the name of a parameter.
    """

    def enter(path: str = "") -> Response:
        answer = find(path)
        if answer is None:
            raise NotFound
        if request.method != "POST":
            raise MethodNotAllowed(["POST"])
        request.max_content_length = MOST_BYTES
        return answer()

    for rule in ("/", "/<path:path>"):
        blueprint.add_url_rule(
            rule, "call", enter, methods=METHODS, provide_automatic_options=False,
            strict_slashes=False, merge_slashes=False,
        )  # fmt: skip
    blueprint.register_error_handler(Exception, lambda error: _refused(error, refuse))


def body() -> bytes:
    """The request's body; too large a one is refused and not read whole."""
    return bytes(request.get_data(cache=False))


def _refused(error: Exception, refuse: Refuse) -> Response:
    code, field, retry_after = _told(error)
    response = refuse(code, field)
    response.status_code = HTTP_STATUS.get(code, 200)
    response.headers["Cache-Control"] = "no-store"
    if retry_after:
        response.headers["Retry-After"] = retry_after
    if code == "method_not_allowed":
        response.headers["Allow"] = "POST"
    return response


def _told(error: Exception) -> tuple[str, str, str]:
    """Code of the catalogue, parameter, seconds to wait."""
    if isinstance(error, DomainError):
        return _code(error), _about(error), str(error.facts.get("retry_after", ""))
    if isinstance(error, (DataError, psycopg.DataError)):
        log.warning("refused by the database's types: %s", type(error).__name__)
        return "bad_request", "", ""
    if isinstance(error, (OperationalError, psycopg.OperationalError)):
        log.error("database does not answer: %s", type(error).__name__)
        return "unavailable", "", ""
    if isinstance(error, HTTPException):
        return _by_status(error.code or 500), "", ""
    log.exception("a dock broke", exc_info=error)
    return "internal", "", ""


def _code(error: DomainError) -> str:
    """In the words of the catalogue, as far as it has any for what others refuse."""
    code = ALIASES.get(error.code, error.code)
    return code if code in REFUSALS else _by_status(error.status)


def _by_status(status: int) -> str:
    return BY_STATUS.get(status, "internal" if status >= 500 else "bad_request")


def _about(error: DomainError) -> str:
    """The parameter that is meant, or what is wrong with the purchase fields."""
    wrong = error.facts.get("errors") or {}
    return "；".join(f"{name} {why}" for name, why in wrong.items()) or str(
        error.facts.get("field", "")
    )
