"""Errors as a page for people and as RFC 9457 for programs; never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from flask import Flask, Response, current_app, g, json, make_response, render_template, request
from flask.sansio.app import App
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError

from kameng.errors import DomainError
from kameng.runtime import current_settings
from kameng.web.sessions import DESK_PATHS, PROGRAMS

EXTENSION = "kameng.refusals"
Refuse = Callable[[int, str, Mapping[str, Any]], Response]
log = logging.getLogger(__name__)

# status → (code, title, what to do, icon)
_PAGES: dict[int, tuple[str, Any, Any, str]] = {
    400: ("bad_request", _l("请求有误"), _l("请返回上一页刷新后再试。"), "alert-circle"),
    401: ("login_required", _l("请先登录"), _l("登录后即可继续。"), "login"),
    403: ("forbidden", _l("没有权限"), _l("您的账号不能进行此操作。"), "lock"),
    404: ("not_found", _l("页面不存在"), _l("链接可能已失效，或商品已下架。"), "search"),
    405: ("method_not_allowed", _l("请求方式有误"), _l("请从页面上的按钮操作。"), "ban"),
    409: ("conflict", _l("状态已变化"), _l("请刷新页面查看最新状态。"), "refresh"),
    413: ("too_large", _l("内容过大"), _l("请缩小文件或分批提交。"), "upload"),
    421: ("unknown_host", _l("域名未开通"), _l("此域名下没有店铺，请检查网址。"), "world"),
    429: ("too_many", _l("操作太频繁"), _l("请稍等片刻再试。"), "clock"),
    500: (
        "internal",
        _l("系统出错了"),
        _l("我们已记录此问题，请稍后再试。订单与款项以订单页为准。"),
        "alert-triangle",
    ),
    503: ("unavailable", _l("服务暂时不可用"), _l("请稍后刷新页面。"), "hourglass"),
}
_CLOSED = {
    "suspended": (_l("店铺暂停营业"), _l("已付款的订单仍可查询。")),
    "closed": (_l("店铺已关闭"), _l("如有未完成的订单，请联系主站客服。")),
}
_SOON = (_l("店铺即将开业"), _l("店主正在准备，请稍后再来。"))


def init_error_pages(app: Flask) -> None:
    """One handler each for HTTP errors, domain errors, a lost database, and the rest."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(OperationalError, _database_error)
    app.register_error_handler(DataError, _data_error)
    # The one-statement path speaks to the driver itself, so its errors come as they are.
    app.register_error_handler(psycopg.OperationalError, _database_error)
    app.register_error_handler(psycopg.DataError, _data_error)
    app.register_error_handler(InternalServerError, _internal_error)


def refuse_below(app: App, root: str, refuse: Refuse) -> None:
    """Let an interface say in its own words what goes wrong below ``root`` outside of its views:
    no rule for an address or method, a broken view. ``refuse`` makes an answer of a status, a code
    (or "") and facts."""
    app.extensions.setdefault(EXTENSION, {})[root] = refuse


def _interface() -> Refuse | None:
    known: Mapping[str, Refuse] = current_app.extensions.get(EXTENSION, {})
    return next((refuse for root, refuse in known.items() if request.path.startswith(root)), None)


def wants_json() -> bool:
    """Whether the caller is a program: by audience, else by what it accepts."""
    if g.get("audience") in ("api", "webhook") or request.path.startswith(PROGRAMS):
        return True
    best = request.accept_mimetypes.best_match(
        ["text/html", "application/json", "application/problem+json"]
    )
    return best is not None and best.endswith("json") and "text/html" not in _plain_accept()


def _plain_accept() -> str:
    return request.headers.get("Accept", "")


def problem(status: int, code: str, title: object, detail: object = "", **facts: Any) -> Response:
    """An RFC 9457 answer with `code` and `request_id`."""
    body = {
        "type": "about:blank",
        "title": str(title),
        "status": status,
        "code": code,
        "request_id": g.get("request_id", ""),
        **({"detail": str(detail)} if str(detail) else {}),
        **facts,
    }
    response = Response(json.dumps(body), status, mimetype="application/problem+json")
    return _no_store(response)


def error_response(
    status: int, code: str = "", title: object = "", detail: object = "", **facts: Any
) -> Response:
    """Page or problem document, as the caller understands it."""
    refuse = _interface()
    if refuse is not None:
        return refuse(status, code, facts)
    known = _PAGES.get(status) or _PAGES[500 if status >= 500 else 400]
    code, title = code or known[0], title or known[1]
    if wants_json():
        return problem(status, code, title, detail, **facts)
    page = render_template(
        "web/error.html",
        status=status,
        title=title,
        detail=detail or known[2],
        icon_name=known[3],
        request_id=g.get("request_id", ""),
        home=_home(status),
    )
    return _no_store(make_response(page, status))


def _home(status: int) -> str:
    """Where the page leads back to: shop, console, or nowhere."""
    if g.get("station") is None:
        settings = current_settings()
        # A newcomer who typed "localhost" is shown the way; strangers are told nothing.
        return f"{settings.host_url(settings.main_host)}/" if settings.demo else ""
    if status in (410, 503):
        return ""
    desk = next((f"{path}/" for path in DESK_PATHS if request.path.startswith(path)), "/")
    return "/" if request.path == desk else desk


def closed_page() -> Response:
    """What shoppers see at a station that is not open; 503 tells crawlers to come back."""
    state = g.station.state
    title, detail = _CLOSED.get(state, _SOON)
    return error_response(410 if state == "closed" else 503, f"station_{state}", title, detail)


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # made by ourselves with abort()
    status = error.code or 500
    if 300 <= status < 400:
        return error.get_response()  # type: ignore[return-value]  # a redirect of the router
    response = error_response(status, getattr(error, "kameng_code", ""))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _domain_error(error: DomainError) -> Response:
    if error.status >= 500:
        log.error("refused with %s", error)
    response = error_response(error.status, error.code, error.message, **error.facts)
    if "retry_after" in error.facts:
        response.headers["Retry-After"] = str(error.facts["retry_after"])
    return response


def _database_error(error: OperationalError | psycopg.OperationalError) -> Response:
    log.error("database does not answer: %s", type(getattr(error, "orig", error)).__name__)
    return error_response(503)


def _data_error(error: DataError | psycopg.DataError) -> Response:
    # A number beyond any id, a NUL in a text: no page sends these, so the caller is at fault.
    log.warning("refused by the database's types: %s", type(getattr(error, "orig", error)).__name__)
    return error_response(400)


def _internal_error(error: InternalServerError) -> Response:
    return error_response(500)


def _no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
