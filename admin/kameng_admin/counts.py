"""How much waits for a person, by desk: the numbers of sidebar, tabs and board."""

from __future__ import annotations

from flask import g
from sqlalchemy import text

from kameng.db import db, maybe_scope

Tally = dict[str, tuple[int, bool]]  # endpoint → (how many, whether something is overdue)

WAITING_SQL = text("""
    SELECT (SELECT count(*) FROM orders WHERE state = 'held') AS held,
           (SELECT count(*) FROM orders WHERE state = 'held' AND deadline_at < now()) AS held_late,
           (SELECT count(*) FROM station_application WHERE state = 'submitted') AS applications,
           (SELECT count(*) FROM station_application WHERE state = 'submitted'
               AND created_at < now() - interval '1 day') AS applications_late,
           (SELECT count(*) FROM purchase WHERE state IN ('created', 'sent', 'unknown')
               AND waits_for IN ('desk', 'person')) AS purchases,
           (SELECT count(*) FROM purchase WHERE state IN ('created', 'sent', 'unknown')
               AND waits_for IN ('desk', 'person')
               AND created_at < now() - interval '30 minutes') AS purchases_late,
           (SELECT count(*) FROM payment_attempt WHERE state = 'unknown') AS unknown_payments,
           (SELECT count(*) FROM refund WHERE state IN ('unknown', 'declined')) AS stuck_refunds,
           (SELECT count(*) FROM refund_request WHERE state = 'open') AS requests,
           (SELECT count(*) FROM refund_request WHERE state = 'open'
               AND created_at < now() - interval '1 day') AS requests_late,
           (SELECT count(*) FROM payment_attempt a
             WHERE a.state IN ('created', 'sent', 'unknown') AND a.cashier ? 'details'
               AND a.account_station_id = 1
               AND EXISTS (SELECT 1 FROM payment_proof p WHERE p.station_id = a.station_id
                              AND p.attempt_id = a.id)) AS transfers,
           (SELECT count(*) FROM approval WHERE state = 'waiting') AS approvals,
           (SELECT count(*) FROM approval WHERE state = 'waiting'
               AND created_at < now() - interval '1 day') AS approvals_late,
           (SELECT count(*) FROM withdrawal WHERE state = 'unknown'
                OR state = 'created' AND approved_at IS NOT NULL) AS unpaid,
           (SELECT count(*) FROM withdrawal WHERE state = 'unknown'
                OR state = 'created' AND approved_at < now() - interval '1 day') AS unpaid_late,
           (SELECT count(*) FROM supply_level WHERE paused <> '') AS paused_skus,
           (SELECT count(*) FROM supply_connection WHERE state = 'active'
               AND (sync_error <> '' OR broken_until > now())) AS bad_connections,
           (SELECT count(*) FROM supplier WHERE state = 'applied') AS applicants,
           (SELECT count(*) FROM supplier WHERE state = 'applied'
               AND created_at < now() - interval '3 days') AS applicants_late,
           (SELECT count(*) FROM supply_dispute WHERE state = 'answered') AS disputes,
           (SELECT count(*) FROM alert WHERE state = 'open') AS alerts,
           (SELECT count(*) FROM bill_difference WHERE state = 'open') AS differences,
           (SELECT count(*) FROM job_run WHERE state = 'dead') AS dead
""")


def waiting() -> Tally:
    """One round trip for the whole page; nothing outside the main scope."""
    if "console_tally" not in g:
        scope = maybe_scope()
        g.console_tally = _load() if scope is not None and scope.role == "main" else {}
    return dict(g.console_tally)


def _load() -> Tally:
    row = db.session.execute(WAITING_SQL).one()
    return {
        "admin_risk": (row.held, row.held_late > 0),
        "admin_applications": (row.applications, row.applications_late > 0),
        "admin_purchases": (row.purchases, row.purchases_late > 0),
        "admin_sku_supply": (row.paused_skus, row.paused_skus > 0),
        "admin_connections": (row.bad_connections, False),
        "admin_payments": (row.unknown_payments, False),
        "admin_by_hand": (row.transfers, row.transfers > 0),
        "admin_refunds": (row.stuck_refunds, row.stuck_refunds > 0),
        "admin_refund_requests": (row.requests, row.requests_late > 0),
        "admin_approvals": (row.approvals, row.approvals_late > 0),
        "admin_withdrawals": (row.unpaid, row.unpaid_late > 0),
        "admin_suppliers": (row.applicants, row.applicants_late > 0),
        "admin_disputes": (row.disputes, False),
        "admin_alerts": (row.alerts, False),
        "admin_reconcile": (row.differences, row.differences > 0),
        "admin_jobs": (row.dead, row.dead > 0),
    }
