"""Where a change of a supplier's goods is told to the rest of the product."""

from __future__ import annotations

from collections.abc import Sequence


def tell_of_changes(offer_ids: Sequence[int]) -> None:
    """Offers are new or changed at the portal: costs and levels follow from it."""
    if offer_ids:
        return
