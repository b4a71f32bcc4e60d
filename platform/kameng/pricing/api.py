"""Pricing, for other contexts and for the faces."""

from kameng.catalog.api import set_cost
from kameng.pricing.domain import OPERATIONS, ROUNDINGS, Rule, Step
from kameng.pricing.services.explaining import (
    ListingRow,
    PreviewRow,
    PriceExplanation,
    explain,
    preview,
    station_explain,
    station_listings,
)
from kameng.pricing.services.reprice import put_prices, reprice
from kameng.pricing.services.rules import (
    delete_rule,
    list_rules,
    save_rule,
    set_fixed_price,
    set_listing_active,
)

__all__ = [
    "OPERATIONS", "ROUNDINGS", "ListingRow", "PreviewRow", "PriceExplanation", "Rule", "Step",
    "delete_rule", "explain", "list_rules", "preview", "put_prices", "reprice", "save_rule",
    "set_cost", "set_fixed_price", "set_listing_active", "station_explain", "station_listings",
]  # fmt: skip
