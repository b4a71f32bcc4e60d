"""The scorecard: grade, each metric, and what would improve it."""

from __future__ import annotations

from flask import render_template

from kameng.suppliers import api as suppliers
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import here, inside


@blueprint.get("/scorecard")
@inside
def scorecard() -> str:
    """The newest one, and the ones before."""
    cards = suppliers.scorecards(here().supplier_id)
    return render_template(
        "supplier_portal/scorecard.html", card=cards[0] if cards else None, history=cards[:30]
    )
