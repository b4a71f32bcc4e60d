"""What other contexts and the faces may use of supply."""

from __future__ import annotations

from kameng.supply.domain.costing import Policy
from kameng.supply.domain.mapping import Field, Suggestion
from kameng.supply.services.connecting import (
    add_connection,
    capabilities,
    change_connection,
    pause_connection,
    reset_breaker,
    resume_connection,
    sync_now,
)
from kameng.supply.services.desk import (
    PurchaseView,
    accept,
    ask_now,
    complete,
    fail,
    open_purchases,
    send_again,
    take_back,
)
from kameng.supply.services.exchanges import ExchangeView, exchanges
from kameng.supply.services.fulfilling import fulfil
from kameng.supply.services.levels import confirm_cost, offer_changed
from kameng.supply.services.levels import refresh as refresh_levels
from kameng.supply.services.making import make_product
from kameng.supply.services.mapping import (
    MappedTo,
    map_offers,
    our_fields,
    save_policy,
    set_sourcing,
    suggestions,
    switch_offer,
    their_fields,
    unmap_offer,
)
from kameng.supply.services.noticing import handle_notice
from kameng.supply.services.previewing import (
    MappingPreview,
    RoutingPreview,
    mapping_preview,
    routing_preview,
)
from kameng.supply.services.querying import ask_about

__all__ = [
    "ExchangeView", "Field", "MappedTo", "MappingPreview", "Policy", "PurchaseView",
    "RoutingPreview", "Suggestion", "accept", "add_connection", "ask_about", "ask_now",
    "capabilities", "change_connection", "complete", "confirm_cost", "exchanges", "fail", "fulfil",
    "handle_notice",
    "make_product", "map_offers", "mapping_preview", "offer_changed", "open_purchases",
    "our_fields", "pause_connection", "refresh_levels", "reset_breaker", "resume_connection",
    "routing_preview", "save_policy", "send_again", "set_sourcing", "suggestions", "switch_offer",
    "sync_now", "take_back", "their_fields", "unmap_offer",
]  # fmt: skip
