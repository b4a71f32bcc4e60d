"""HTTP: hosts, scopes, sessions, forms, headers, languages and what templates may use."""

from __future__ import annotations

from flask import Flask, flash, session

from kameng.settings import Settings
from kameng.web import audiences
from kameng.web.csrf import foreign_post
from kameng.web.drawn_pages import host_in_doubt, settle_doubt
from kameng.web.error_pages import error_response, problem, refuse_below, wants_json
from kameng.web.headers import allow_form_target, allow_form_targets, no_store
from kameng.web.kept_pages import kept
from kameng.web.limits import client_ip, limit
from kameng.web.viewer import (
    GUEST,
    Viewer,
    check_permission,
    current_viewer,
    login_session,
    logout_session,
    require_member,
    require_staff,
    safe_next,
)

__all__ = [
    "GUEST",
    "Viewer",
    "allow_form_target",
    "allow_form_targets",
    "audiences",
    "check_permission",
    "client_ip",
    "current_viewer",
    "error_response",
    "flash",
    "foreign_post",
    "host_in_doubt",
    "init",
    "kept",
    "limit",
    "login_session",
    "logout_session",
    "no_store",
    "problem",
    "refuse_below",
    "require_member",
    "require_staff",
    "safe_next",
    "session",
    "settle_doubt",
    "wants_json",
]


def init(app: Flask, settings: Settings) -> None:
    """Everything between the socket and a view. The order of hooks is the order of checks."""
    from kameng.web import (
        access_log,
        csrf,
        dispatch,
        error_pages,
        gateways,
        globals,
        headers,
        i18n,
        kept_pages,
        limits,
        metrics,
        probes,
        sessions,
        viewer,
    )

    app.session_interface = sessions.RedisSessions()
    audiences.init_audiences(app)
    access_log.init_access_log(app)  # first in, so it sees the finished answer
    kept_pages.init_kept_pages(app)
    i18n.init_i18n(app, settings)
    dispatch.init_dispatch(app)
    limits.init_limits(app, settings)
    csrf.init_csrf(app)
    viewer.init_viewer(app)
    headers.init_headers(app)
    headers.allow_form_targets(app, gateways.gateway_origins)
    error_pages.init_error_pages(app)
    globals.init_globals(app)
    metrics.init_metrics(app)
    audiences.register(app, probes.blueprint, "internal")
