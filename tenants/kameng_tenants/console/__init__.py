"""The station's own console at /console/."""

from __future__ import annotations

from flask import Blueprint, g, redirect
from werkzeug.wrappers import Response

from kameng.payments import api as payments
from kameng_tenants.themes import wording

blueprint = Blueprint("console", __name__, template_folder="templates")
blueprint.context_processor(lambda: wording.GLOBALS | {"transfer_desk": transfer_desk})


def transfer_desk() -> int | None:
    """How many transfers wait with a picture; None for who has no such desk."""
    if not g.viewer.can("payment.confirm") or not payments.has_desk():
        return None
    return payments.proven_count()


@blueprint.before_request
def main_station_has_its_own() -> Response | None:
    """The main station works in /admin/."""
    return redirect("/admin/") if g.station.is_main else None


from kameng_tenants.console import (  # noqa: E402  # the views register themselves
    bonuses,
    flash_sales,
    funds,
    listings,
    login,
    open_api,
    orders,
    overview,
    pay_in,
    refund_requests,
    settings,
    statements,
    transfers,
)

__all__ = [
    "blueprint", "bonuses", "flash_sales", "funds", "listings", "login", "open_api", "orders",
    "overview", "pay_in", "refund_requests", "settings", "statements", "transfers",
]  # fmt: skip
