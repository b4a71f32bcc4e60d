"""The one guard of every console view: closed until a permission opens it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import abort, g, make_response
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from kameng.web.viewer import Viewer, current_viewer, to_login
from kameng_admin import people
from kameng_admin.shell import Crumb, build_shell, console_views

F = TypeVar("F", bound=Callable[..., Any])
MAIN_STATION = 1
ANY_STAFF = "staff"  # not a permission: everybody who works at the main station


def needs(permission: str) -> Callable[[F], F]:
    """Ask for another permission on one view method than the view's own."""

    def decorate(method: F) -> F:
        method.needs = permission  # type: ignore[attr-defined]  # mixed into Flask-Admin's views
        return method

    return decorate


def may(permission: str) -> bool:
    """Whether the person at the console holds a permission (at the main station)."""
    viewer = current_viewer()
    return is_staff(viewer) and (permission == ANY_STAFF or viewer.can(permission))


def is_staff(viewer: Viewer) -> bool:
    """Whether this is staff of the main station; nobody else has business here."""
    return viewer.kind == "staff" and viewer.station_id == MAIN_STATION


@dataclass(frozen=True, slots=True)
class Place:
    """Where a view stands in the sidebar and in the breadcrumbs."""

    group: Any
    label: Any
    icon: str


class Guarded:
    """Mixin in front of Flask-Admin's views. Without `need` nobody gets in."""

    need: str = ""
    place: Place
    in_menu: bool = True
    family: Sequence[tuple[str, Any]] = ()  # lists that share one line of the sidebar
    closed: frozenset[str] = frozenset()  # Flask-Admin's endpoints that this view has no use for

    def is_accessible(self) -> bool:
        """Whether the viewer may open this view (also used for the sidebar)."""
        return bool(self.need) and may(self.need)

    def _handle_view(self, name: str, **_kwargs: Any) -> Any:
        if not is_staff(current_viewer()):
            return to_login()
        permission = getattr(getattr(type(self), name, None), "needs", self.need)
        if not permission or not may(self.need) or not may(permission):
            return self.refuse(permission or self.need)
        if name in self.closed:
            abort(404)
        return None

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin would call the view a second time, in another way, after any TypeError.
        return fn(self, *args, **kwargs)

    def refuse(self, permission: str) -> Any:
        """403 that says what is missing and who may."""
        page = self.render(
            "kameng_admin/forbidden.html",
            page_title=_("没有权限"),
            permission=people.permission_label(permission),
            roles=people.roles_with(permission),
        )
        return make_response(page, 403)

    def crumbs(self, *more: Crumb) -> list[Crumb]:
        """Group › view › what the page adds."""
        here = Crumb(self.place.label, self.get_url(".index_view") if more else "")  # type: ignore[attr-defined]  # mixed into Flask-Admin's views
        return [Crumb(self.place.group or _("主站")), here, *more]

    def render(self, template: str, **kwargs: Any) -> Any:
        """Render with the shell around; `crumbs` and `page_title` default to the view's place."""
        g.console_page = True
        kwargs.setdefault("page_title", self.place.label)
        if "crumbs" not in kwargs:
            kwargs["crumbs"] = self.crumbs()
        kwargs["shell"] = build_shell(self)
        kwargs["may"] = may
        kwargs["relatives"] = self._relatives()
        return super().render(template, **kwargs)  # type: ignore[misc]  # mixed into Flask-Admin's views

    def _relatives(self) -> list[tuple[str, Any, bool]]:
        """Address, label and whether it is this one, of the lists that belong together."""
        views = {view.endpoint: view for view in console_views()}
        shown = [(name, label) for name, label in self.family if views[name].is_accessible()]
        here = self.endpoint  # type: ignore[attr-defined]  # Flask-Admin's views have one
        return [
            (self.get_url(f"{name}.index_view"), label, name == here)  # type: ignore[attr-defined]  # mixed into Flask-Admin's views
            for name, label in shown
        ]

    def page(self, template: str, status: int = 200, **kwargs: Any) -> Any:
        """A rendered page with a status (422 for a form that comes back)."""
        return make_response(self.render(template, **kwargs), status)


def whole_number(raw: Any, largest: int = 2**63 - 1) -> int:
    """A positive id from an address or a form; anything else is 404, never 500."""
    text = str(raw)
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or not 0 < int(text) <= largest:
        abort(404)
    return int(text)


def found(thing: Any) -> Any:
    """The thing, or 404."""
    if thing is None:
        abort(404)
    return thing


def first_error(error: HTTPException | Exception, fallback: Any) -> str:
    """The sentence of a domain error for a flash."""
    return str(getattr(error, "message", "") or fallback)


def joined(parts: Sequence[Any], sign: str = " · ") -> str:
    """Texts joined, empty ones left out."""
    return sign.join(str(part) for part in parts if part)
