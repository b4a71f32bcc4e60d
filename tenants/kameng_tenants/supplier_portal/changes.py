"""What follows when a supplier's own goods change."""

from __future__ import annotations

from collections.abc import Sequence

from kameng.supply import api as supply


def tell_of_changes(offer_ids: Sequence[int]) -> None:
    """Offers are new or changed at the portal: costs, guard and levels follow at once."""
    if offer_ids:
        supply.offer_changed(offer_ids, "portal")
