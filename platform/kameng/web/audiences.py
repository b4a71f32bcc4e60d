"""Who an endpoint is for. What belongs to no audience is refused."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, cast

from flask import Blueprint, Flask, current_app, request
from werkzeug.routing import Rule

Audience = Literal["main", "station", "supplier", "webhook", "api", "any", "internal"]
AUDIENCES: tuple[Audience, ...] = (
    "main", "station", "supplier", "webhook", "api", "any", "internal",
)  # fmt: skip
EXTENSION = "kameng.audiences"
F = TypeVar("F")


class _Book:
    """Audiences by blueprint name and by address prefix, and pages that outlive a closed shop."""

    def __init__(self) -> None:
        self.blueprints: dict[str, Audience] = {}
        # Flask-Admin makes its blueprints itself: they are known by their address.
        self.prefixes: dict[str, Audience] = {
            "/admin": "main", "/console": "station", "/supplier": "supplier",
        }  # fmt: skip
        self.when_closed: set[str] = {"/console", "/hooks", "/dock", "/api/v1"}


def init_audiences(app: Flask) -> None:
    """Start an empty book for this application."""
    app.extensions[EXTENSION] = _Book()


def register(app: Flask, blueprint: Blueprint, audience: Audience, **options: Any) -> None:
    """Register a blueprint for an audience.

    main: the main station's host only · supplier: likewise, for suppliers' people ·
    station: every station's host, the main one included ·
    webhook: gateways (no CSRF, JSON errors) · api: signed callers (likewise) ·
    any: every known host · internal: probes, without a host or a scope.
    """
    claim(app, blueprint.name, audience)
    app.register_blueprint(blueprint, **options)


def claim(app: Flask, blueprint_name: str, audience: Audience) -> None:
    """Give an audience to a blueprint that somebody else registers (Flask-Admin's views)."""
    if audience not in AUDIENCES:
        raise ValueError(f"unknown audience {audience!r}")
    _book(app).blueprints[blueprint_name] = audience


def open_when_closed(app: Flask, prefix: str) -> None:
    """Keep pages under this address reachable at suspended stations (order look-up)."""
    _book(app).when_closed.add(prefix)


def current_audience() -> Audience | None:
    """Audience of the matched endpoint; None when nothing matched or nobody claimed it."""
    rule = request.url_rule
    return None if rule is None else audience_of(current_app, rule)


def audience_of(app: Flask, rule: Rule) -> Audience | None:
    """Audience of a rule: by its blueprint (inner ones first), else by its address."""
    if rule.endpoint == "static":
        return "internal"
    book = _book(app)
    name = rule.endpoint.rpartition(".")[0]
    while name:
        if name in book.blueprints:
            return book.blueprints[name]
        name = name.rpartition(".")[0]
    for prefix, audience in book.prefixes.items():
        if _under(rule.rule, prefix):
            return audience
    return None


def works_when_closed() -> bool:
    """Whether this request may reach a station that is suspended or closed."""
    prefixes = _book(current_app).when_closed
    return any(_under(request.path, prefix) for prefix in prefixes)


def in_console() -> bool:
    """Whether the request is for the main console, which works across stations."""
    return _under(request.path, "/admin")


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def _book(app: Flask) -> _Book:
    return cast(_Book, app.extensions[EXTENSION])
