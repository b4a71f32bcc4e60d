"""Contracts, to read."""

from __future__ import annotations

from flask import render_template

from kameng.suppliers import api as suppliers
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import here, inside


@blueprint.get("/contracts")
@inside
def contract_list() -> str:
    """Signed contracts with their cost lists; drafts are the main station's own."""
    me = here()
    rows = [one for one in suppliers.contracts_of(me.supplier_id) if one.state != "draft"]
    costs = {one.id: suppliers.costs_of(me.supplier_id, one.id) for one in rows[:5]}
    return render_template("supplier_portal/contracts.html", rows=rows, costs=costs)
