"""What stands around every page: sidebar with counts, alerts, tabs, colour scheme."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import current_app, g, request, url_for
from flask_babel import gettext as _

from kameng.runtime import current_settings
from kameng.web.i18n import current_locale
from kameng_admin import counts
from kameng_admin.theme import current_scheme

EXTENSION = "kameng.console"


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the breadcrumbs; the last one is where the reader is."""

    label: Any
    url: str = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    """One line of the sidebar or one tab of the phone."""

    label: Any
    icon: str
    url: str
    current: bool = False
    count: int = 0
    late: bool = False


@dataclass(slots=True)
class NavGroup:
    """Lines under one heading; the first group has none."""

    label: Any
    items: list[NavItem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shell:
    """All that `admin/base.html` asks for."""

    scheme: str
    groups: list[NavGroup]
    tabs: list[NavItem]
    alerts: int
    alerts_url: str
    demo: bool
    home_url: str
    search_url: str
    account_url: str
    scheme_url: str
    logout_url: str
    language_url: str


def build_shell(view: Any) -> Shell:
    """The shell of this request, for the view that is shown (None beside all views)."""
    tally = counts.waiting() if g.get("viewer") is not None else {}
    views = console_views()
    groups = _groups(views, view, tally)
    alerts = next((v for v in views if v.endpoint == "admin_alerts" and v.is_accessible()), None)
    return Shell(
        scheme=current_scheme(),
        groups=groups,
        tabs=_tabs(groups, view),
        alerts=tally.get("admin_alerts", (0, False))[0],
        alerts_url=url_for("admin_alerts.index_view") if alerts else "",
        demo=current_settings().demo,
        home_url=url_for("admin.index_view"),
        search_url=url_for("admin_search.index_view"),
        account_url=url_for("admin_account.index_view"),
        scheme_url=url_for("admin_gate.set_scheme"),
        logout_url=url_for("admin_gate.logout"),
        language_url=other_language_url(url_for("admin.index_view")),
    )


def other_language_url(home: str) -> str:
    """This page in the other language; a page that answered a form has no address of its own."""
    path = request.path if request.method == "GET" else home
    kept = request.args.to_dict(flat=False) if request.method == "GET" else {}
    wanted = "zh" if current_locale() == "en" else "en"
    return f"{path}?{urlencode({**kept, 'lang': wanted}, doseq=True)}"


def console_views() -> list[Any]:
    """All views of this application's console in the order of the sidebar."""
    return list(current_app.extensions[EXTENSION])


def _groups(views: list[Any], view: Any, tally: counts.Tally) -> list[NavGroup]:
    groups: list[NavGroup] = []
    for entry in views:
        if not getattr(entry, "in_menu", True) or not entry.is_accessible():
            continue
        label = str(entry.place.group)  # once: to compare lazy texts translates both each time
        if not groups or groups[-1].label != label:
            groups.append(NavGroup(label))
        count, late = _waiting(entry, tally)
        groups[-1].items.append(
            NavItem(
                entry.place.label,
                entry.place.icon,
                url_for(f"{entry.endpoint}.index_view"),
                current=entry is view or _kin(entry, view),
                count=count,
                late=late,
            )
        )
    return groups


def _kin(entry: Any, view: Any) -> bool:
    return any(name == getattr(view, "endpoint", "") for name, _label in entry.family)


def _waiting(entry: Any, tally: counts.Tally) -> tuple[int, bool]:
    names = {entry.endpoint, *(name for name, _label in entry.family)}
    found = [tally.get(name, (0, False)) for name in names]
    return sum(count for count, _late in found), any(late for _count, late in found)


def _tabs(groups: list[NavGroup], view: Any) -> list[NavItem]:
    """要办 审批 订单; 更多 opens the sidebar."""
    short = {"admin": _("要办"), "admin_applications": _("审批"), "admin_orders": _("订单")}
    by_url = {item.url: item for group in groups for item in group.items}
    tabs = []
    for endpoint, label in short.items():
        item = by_url.get(url_for(f"{endpoint}.index_view"))
        if item is not None:
            tabs.append(NavItem(label, item.icon, item.url, item.current, item.count, item.late))
    return tabs


def back_or(default: str) -> str:
    """Where a form came from, when that is a page of this console."""
    from kameng.web.viewer import safe_next

    target = safe_next(request.form.get("back") or request.args.get("back"), default)
    return target if target.startswith("/admin") else default
