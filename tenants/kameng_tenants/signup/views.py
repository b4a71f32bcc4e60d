"""The sign-up form on the main host and the page that shows the state of the review."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.stations import api as stations
from kameng.web import client_ip, limit
from kameng_tenants.shop.forms import by_field
from kameng_tenants.signup import blueprint
from kameng_tenants.themes import render, render_page, theme_choices

PLANS = [
    ("shop", _l("面向个人买家的小店")),
    ("community", _l("社群、校园或游戏公会")),
    ("wholesale", _l("给其他店铺批量供货")),
]
KINDS = [("person", _l("个人")), ("trader", _l("个体工商户")), ("company", _l("公司"))]
TEXTS = ("slug", "name", "theme", "person", "phone", "email", "subject_kind", "plan", "owner_login")
FIELD_OF = {"applicant_name": "person", "login": "owner_login", "password": "owner_password"}


@blueprint.get("/apply")
def form() -> Response:
    """The application form."""
    return _form({"theme": "qing", "subject_kind": "person", "plan": "shop"})


@blueprint.post("/apply")
def apply() -> Response:
    """Hand the application in; number and code are shown this once."""
    limit("apply", client_ip(), 20, 3600)
    given = {name: request.form.get(name, "").strip()[:120] for name in TEXTS}
    errors = _own_checks(given)
    if errors:
        return _form(given, errors, 422)
    try:
        made = stations.apply_station(
            given["slug"],
            given["name"],
            given["theme"],
            {
                "name": given["person"],
                "phone": given["phone"],
                "email": given["email"],
                "subject_kind": given["subject_kind"],
                "plan": given["plan"],
            },
            given["owner_login"],
            request.form.get("owner_password", "")[:200],
            client_ip(),
        )
    except DomainError as refusal:
        field = str(refusal.facts.get("field", ""))
        return _form(given, {FIELD_OF.get(field, field): str(refusal.message)}, 422)
    response = render_page(
        "signup/done.html",
        page_title=_("申请已提交"),
        made=made,
        host=stations.host_of(given["slug"].lower()),
        owner_login=given["owner_login"],
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/apply/slug")
def slug_hint() -> Response:
    """A word on whether an address is free, while it is typed."""
    limit("apply-slug", client_ip(), 120, 60)
    slug = request.args.get("slug", "").strip().lower()[:60]
    state, text = "", ""
    if slug:
        try:
            checked = stations.checked_slug(slug)
            taken = stations.resolve_host(stations.host_of(checked)) is not None
            state = "bad" if taken else "ok"
            text = (
                _("这个网址已被使用，请换一个。")
                if taken
                else _("可以使用：%(host)s", host=stations.host_of(checked))
            )
        except DomainError as refusal:
            state, text = "bad", str(refusal.message)
    return Response(render("signup/slug_hint.html", state=state, text=text))


@blueprint.route("/apply/status", methods=["GET", "POST"])
def status() -> Response:
    """How far the review is: by number and code."""
    number = request.values.get("number", "").strip()[:20]
    error, application = "", None
    if request.method == "POST":
        limit("apply-status", client_ip(), 30, 300)
        try:
            application = stations.application_status(number, request.form.get("code", "")[:40])
        except DomainError as refusal:
            error = str(refusal.message)
    response = render_page(
        "signup/status.html",
        422 if error else 200,
        page_title=_("开店进度"),
        number=number,
        error=error,
        application=application,
        shop_url=stations.shop_url(application.slug) if application else "",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _own_checks(given: dict[str, str]) -> dict[str, str]:
    errors = _slug_error(given["slug"])
    if given["theme"] not in {theme.id for theme in theme_choices()}:
        errors["theme"] = _("请选一个主题")
    if request.form.get("agree") != "1":
        errors["agree"] = _("请先同意开店协议")
    if request.form.get("owner_password", "") != request.form.get("owner_password2", ""):
        errors["owner_password2"] = _("两次输入的密码不一样")
    return errors


def _slug_error(slug: str) -> dict[str, str]:
    """Said together with the other mistakes, so that a form comes back once and not thrice."""
    try:
        stations.checked_slug(slug)
    except DomainError as refusal:
        return {"slug": str(refusal.message)}
    return {}


def _form(
    given: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    texts: dict[str, Any] = dict.fromkeys(TEXTS, "")
    return render_page(
        "signup/apply.html",
        status,
        page_title=_("开一家分站"),
        given={**texts, **given},
        errors=by_field(errors),
        themes=theme_choices(),
        plans=PLANS,
        kinds=KINDS,
        domain=stations.host_of("x").removeprefix("x"),
    )
