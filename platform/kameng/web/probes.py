"""Probes for machines: alive, ready, numbers, and whether a name may get a certificate."""

from __future__ import annotations

from functools import wraps
from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from sqlalchemy import text

from kameng import redis
from kameng.db import db, main_scope
from kameng.db.steps import newest_step
from kameng.stations import api as stations
from kameng.web import metrics

blueprint = Blueprint("probes", __name__)

FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="8" fill="#0b746f"/>'
    '<path d="M18 5 8 18h7l-1 9 10-13h-7z" fill="#fff"/></svg>'
)


def _near_only(view: Any) -> Any:
    """Answer only to callers on this machine."""

    @wraps(view)
    def guarded() -> Any:
        try:
            near = ip_address(request.remote_addr or "").is_loopback
        except ValueError:
            near = not request.remote_addr  # a unix socket has no address
        # Whatever came through a proxy came from outside, wherever the proxy runs.
        if not near or request.headers.get("X-Forwarded-For"):
            abort(404)
        return view()

    return guarded


@blueprint.get("/livez")
def live() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """One drawn sign for every page that names no other."""
    response = Response(FAVICON, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Database, Redis and schema are there; says which one is not."""
    parts = {"database": _database(), "redis": _redis()}
    fine = all(state == "ok" for state in parts.values())
    return jsonify(status="ok" if fine else "unready", **parts), 200 if fine else 503


@blueprint.get("/internal/tls-check")
@_near_only
def tls_check() -> Response:
    """May the proxy fetch a certificate for `?domain=`? From the host table only, no DNS."""
    domain = request.args.get("domain", "")
    known = stations.resolve_host(domain) is not None if domain else False
    return Response("ok\n" if known else "unknown\n", 200 if known else 404, mimetype="text/plain")


@blueprint.get("/metrics")
@_near_only
def numbers() -> Response:
    """Prometheus text: requests and orders."""
    lines = ["# TYPE kameng_requests_total counter"]
    try:
        metrics.flush()
        for name, count in metrics.request_counts().items():
            method, _, family = name.partition(" ")
            lines.append(f'kameng_requests_total{{method="{method}",status="{family}"}} {count}')
    except redis.RedisError:
        lines.append("# redis does not answer")
    lines.append("# TYPE kameng_orders gauge")
    with main_scope(reason="metrics"):
        for state, count in db.session.execute(
            text("SELECT state, count(*) FROM orders GROUP BY state ORDER BY state")
        ):
            lines.append(f'kameng_orders{{state="{state}"}} {count}')
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


def _database() -> str:
    try:
        with main_scope(reason="readyz"):
            found = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except Exception as error:  # whatever is wrong, the answer is "not ready"
        return type(error).__name__
    head = newest_step()
    return "ok" if found == head else f"schema {found}, wanted {head}"


def _redis() -> str:
    try:
        redis.client().ping()
    except redis.RedisError as error:
        return type(error).__name__
    return "ok"
