"""What the station's members ask back: to read. The main station decides."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import lazy_gettext as _l

from kameng.openapi import api as openapi
from kameng.web import require_staff
from kameng_tenants.console import blueprint
from kameng_tenants.shop.forms import whole

TABS: dict[str, tuple[Any, str | None]] = {
    "open": (_l("待处理"), "open"),
    "accepted": (_l("已同意"), "accepted"),
    "declined": (_l("已拒绝"), "declined"),
    "all": (_l("全部"), None),
}
FACES: dict[str, tuple[str, str, Any]] = {  # state → tone, icon, word
    "open": ("warn", "clock", _l("待处理")),
    "accepted": ("ok", "circle-check", _l("已同意")),
    "declined": ("bad", "circle-x", _l("已拒绝")),
    "withdrawn": ("", "ban", _l("已撤回")),
}


@blueprint.get("/refund-requests")
@require_staff("order.view")
def refund_requests() -> str:
    """Requests of this station's members, newest first."""
    tab = request.args.get("tab", "open")
    tab = tab if tab in TABS else "open"
    before = whole(request.args.get("before")) or None
    rows, more = openapi.station_refund_requests(TABS[tab][1], before)
    return render_template(
        "station_console/refund_requests.html",
        tabs=[(key, word) for key, (word, _state) in TABS.items()],
        tab=tab,
        rows=rows,
        more=more,
        faces=FACES,
    )
