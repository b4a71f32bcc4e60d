"""What is not there: said in the shop's own look, with a way on."""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound as NoPage

from kameng.errors import NotFound
from kameng.web import error_pages
from kameng_tenants.shop import blueprint
from kameng_tenants.themes import render_page


@blueprint.errorhandler(NotFound)
def no_such_thing(error: NotFound) -> Response:
    """A product that never was, or was taken off the shelf."""
    return _missing(str(error.message) or _("页面不存在"), error.code)


@blueprint.errorhandler(404)
def no_such_page(_error: NoPage) -> Response:
    """A category or tag that is gone, or an order that is not this viewer's."""
    return _missing(_("页面不存在"), "not_found")


def _missing(title: str, code: str) -> Response:
    if error_pages.wants_json():
        return error_pages.error_response(404, code, title)
    is_order = request.path.startswith("/o/")
    number = request.path.split("/")[2][:20] if is_order else ""
    response = render_page(
        "shop/missing.html",
        404,
        page_title=_("订单") if is_order else _("没有找到"),
        title=_("打不开这张订单") if is_order else title,
        is_order=is_order,
        number=number if number.isascii() and number.isdigit() else "",
    )
    response.headers["Cache-Control"] = "no-store"
    return response
