"""What must not change when a request is refused, and what must hold at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.integration.openapi.docking import Dock

_STATE = """
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM transfer),
       (SELECT coalesce(sum(amount), 0) FROM transfer),
       (SELECT coalesce(sum(balance), 0) FROM account_balance b JOIN account a ON a.id = b.account_id
         WHERE a.kind = 'wallet'),
       (SELECT array_agg(n ORDER BY status) FROM
         (SELECT status, count(*) AS n FROM card GROUP BY status) c),
       (SELECT count(*) FROM refund_request), (SELECT count(*) FROM sandbox_order),
       (SELECT count(*) FROM sandbox_refund), (SELECT count(*) FROM order_notify),
       (SELECT string_agg(callback_url, ' ' ORDER BY id) FROM api_key)
"""
# Places of the above that a request for money back may fill although its answer says "not yet".
REQUESTS = (5, 7)


@dataclass
class Truth:
    """Counts of everything that a request could move."""

    dock: Dock

    def state(self) -> tuple[Any, ...]:
        """Orders, transfers, wallets, cards by state, requests, addresses."""
        return tuple(self.dock.owner.execute(_STATE).fetchone() or ())

    def faults(self) -> list[str]:
        """What is wrong in the end: books, cards."""
        checks = self.dock.verify().checks
        found = [f"{one.name}: {one.findings}" for one in checks if not one.ok]
        sold = self.dock.one("SELECT count(*) FROM card WHERE status = 2")
        due = self.dock.one(
            "SELECT coalesce(sum(quantity), 0) FROM orders WHERE kind = 'card'"
            " AND state = 'delivered'"
        )
        if sold != due:
            found.append(f"{sold} cards are sold, {due} were bought")
        return found
