"""开发者接口: a member's keys for programs; made after the password was asked again, shown once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import Response, abort, g, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.openapi import api as openapi
from kameng.web import client_ip, flash, limit, no_store, require_member
from kameng_tenants.account import blueprint
from kameng_tenants.shop.forms import by_field, whole
from kameng_tenants.themes import render_page

HERE = "/me/api"
DOCS = "/api/v1/docs"
NEW = {"dialect": "native", "mode": "live"}
FIELDS = {
    "confirm_failed": "password", "login_locked": "password", "key_name": "name",
    "dialect_off": "dialect", "scopes_invalid": "scopes", "networks_invalid": "networks",
    "notify_url_invalid": "callback_url",
}  # fmt: skip
FIRST_SCOPES = ("account.read", "products.read", "orders.read", "orders.write")
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Setting:
    """One line for the other shop's form; ``value`` "": it is not known any more."""

    label: Any
    value: str


@blueprint.get("/me/api")
@require_member
def api_keys() -> Response:
    """All keys, those in use first; without any, what one would get."""
    keys = openapi.keys_of(g.viewer.id)
    return render_page(
        "account/api_keys.html", page_title=_("开发者接口"), back="/me", keys=keys, **_words()
    )


@blueprint.get("/me/api/new")
@require_member
def new_api_key() -> Response:
    """The form of a new key."""
    return _form({**NEW, "dialect": request.args.get("dialect", "native")}, FIRST_SCOPES)


@blueprint.post("/me/api/new")
@require_member
def make_api_key() -> Response:
    """A new key; its secret stands on the page that answers and nowhere else."""
    given = {name: value.strip()[:LONGEST] for name, value in request.form.items()}
    native = given.get("dialect") == "native"
    # The other interfaces know no scopes: their keys can do all that they can.
    scopes = tuple(request.form.getlist("scope")) if native else openapi.SCOPES
    try:
        _confirm()
        key_id, secret = openapi.make_key(
            g.viewer.id, name=given.get("name", ""), dialect=_dialect(given),
            sandbox=given.get("mode") == "sandbox", scopes=scopes, networks=_lines("networks"),
            callback_url="" if native else given.get("callback_url", ""), actor=g.viewer.actor,
        )  # fmt: skip
    except DomainError as refusal:
        return _form(given, scopes, refusal)
    made = next(one for one in openapi.keys_of(g.viewer.id) if one.key_id == key_id)
    return _shown_once(made, secret, _("密钥已建好"))


@blueprint.get("/me/api/<int:number>")
@require_member
def api_key(number: int) -> Response:
    """One key: settings to copy, secrets, name and addresses, the end of it."""
    return _page(_own(number))


@blueprint.post("/me/api/<int:number>")
@require_member
def change_api_key(number: int) -> Response | BaseResponse:
    """Another name, other addresses."""
    key = _own(number)
    given = {name: value.strip()[:LONGEST] for name, value in request.form.items()}
    try:
        openapi.change_key(
            g.viewer.id, key.id, name=given.get("name", ""), networks=_lines("networks"),
            callback_url=given.get("callback_url", ""), actor=g.viewer.actor,
        )  # fmt: skip
    except DomainError as refusal:
        return _page(key, refusal, given)
    flash(_("已保存，马上生效。"), "success")
    return redirect(f"{HERE}/{number}", 303)


@blueprint.post("/me/api/<int:number>/secrets")
@require_member
def add_api_secret(number: int) -> Response:
    """A second secret beside the first, so that nothing stands still while one changes over."""
    key = _own(number)
    try:
        _confirm()
        secret = openapi.add_secret(g.viewer.id, key.id, g.viewer.actor)
    except DomainError as refusal:
        return _page(key, refusal)
    return _shown_once(_own(number), secret, _("新密钥已建好，旧的还能用"))


@blueprint.post("/me/api/<int:number>/secrets/<int:secret_id>/revoke")
@require_member
def revoke_api_secret(number: int, secret_id: int) -> BaseResponse:
    """The old secret has done its work."""
    key = _own(number)
    if secret_id not in {one.id for one in key.secrets}:
        abort(404)
    try:
        openapi.revoke_secret(g.viewer.id, key.id, secret_id, g.viewer.actor)
        flash(_("这个密钥已停用，用它签名的请求马上被拒绝。"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(f"{HERE}/{number}", 303)


@blueprint.post("/me/api/<int:number>/revoke")
@require_member
def revoke_api_key(number: int) -> BaseResponse:
    """Stop a key for good."""
    key = _own(number)
    try:
        openapi.revoke_key(g.viewer.id, key.id, g.viewer.actor)
        flash(_("“%(name)s”已停用，用它的请求马上被拒绝。", name=key.name), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(HERE, 303)


def _confirm() -> None:
    """A key can spend the balance: who makes one proves again who it is."""
    limit("api-key", g.viewer.id, 10, 600, closed=True)
    identity.confirm_member(g.viewer.id, request.form.get("password", "")[:200], client_ip())


def _own(number: int) -> openapi.KeyView:
    """The key of this member; another's is `NotFound`."""
    return openapi.key_of(g.viewer.id, whole(str(number)))


def _dialect(given: Mapping[str, str]) -> openapi.Dialect:
    return cast(openapi.Dialect, given.get("dialect", ""))  # an unknown one is refused as off


def _lines(name: str) -> tuple[str, ...]:
    lines = (line.strip() for line in request.form.get(name, "")[:LONGEST].splitlines())
    return tuple(line for line in lines if line)


def _settings(key: openapi.KeyView, secret: str = "") -> list[Setting]:
    """What to paste into the other shop's form, under the names that it uses there."""
    words = openapi.DIALECT_WORDS[key.dialect]
    path = "/api/v1" if key.dialect == "native" else f"/dock/{key.dialect}"
    return [
        Setting(words.address, request.host_url.rstrip("/") + path),
        Setting(words.account, key.key_id),
        Setting(words.secret, secret),
    ]


def _shown_once(key: openapi.KeyView, secret: str, title: str) -> Response:
    return no_store(
        render_page(
            "account/api_secret.html", page_title=title, back=f"{HERE}/{key.id}", key=key,
            settings=_settings(key, secret), **_words(),
        )
    )  # fmt: skip


def _page(
    key: openapi.KeyView, refusal: DomainError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    shown = {
        "name": key.name, "networks": "\n".join(key.networks), "callback_url": key.callback_url,
    }  # fmt: skip
    return render_page(
        "account/api_key.html", refusal.status if refusal else 200, page_title=key.name, back=HERE,
        key=key, settings=_settings(key), given=by_field({**shown, **(given or {})}),
        **_errors(refusal), **_words(),
    )  # fmt: skip


def _form(
    given: Mapping[str, str], scopes: Sequence[str], refusal: DomainError | None = None
) -> Response:
    switches = openapi.dialect_switches()
    offered = [name for name, on in switches.items() if on]
    return render_page(
        "account/api_key_new.html", refusal.status if refusal else 200,
        page_title=_("新建密钥"), back=HERE, given=by_field(given), chosen_scopes=scopes,
        offered=offered,
        **_errors(refusal), **_words(),
    )  # fmt: skip


def _errors(refusal: DomainError | None) -> dict[str, Any]:
    """What was refused: at its field where there is one, else above the form."""
    if refusal is None:
        return {"errors": by_field({}), "error": ""}
    message, line = str(refusal.message), refusal.facts.get("line")
    said = f"{message}：{line}" if line else message
    field = FIELDS.get(refusal.code, "")
    return {"errors": by_field({field: said} if field else {}), "error": said}


def _words() -> dict[str, Any]:
    return {
        "words": openapi.DIALECT_WORDS, "scope_words": openapi.SCOPE_WORDS,
        "insecure": openapi.INSECURE, "risk": openapi.INSECURE_RISK,
        "switches": openapi.dialect_switches(), "docs": DOCS, "login": g.viewer.login,
    }  # fmt: skip
