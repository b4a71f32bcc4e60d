"""How things stand: grade, the day, what waits."""

from __future__ import annotations

from flask import render_template

from kameng.suppliers import api as suppliers
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import here, inside

SOON_DAYS = 30


@blueprint.get("/")
@inside
def overview() -> str:
    """Grade, today's purchases, open work, messages."""
    me = here()
    cards = suppliers.scorecards(me.supplier_id, limit=1)
    papers = suppliers.documents_of(me.supplier_id)
    contracts = suppliers.contracts_of(me.supplier_id)
    return render_template(
        "supplier_portal/overview.html",
        today=suppliers.today(me.supplier_id),
        owed=suppliers.owed_to(me.supplier_id),
        card=cards[0] if cards else None,
        open=suppliers.sales(me.supplier_id, "open", limit=8),
        disputes=suppliers.disputes_of(me.supplier_id, "waiting")[:5],
        refused=[paper for paper in papers if paper.state == "refused"][:3],
        running=next((one for one in contracts if one.state == "active"), None),
    )
