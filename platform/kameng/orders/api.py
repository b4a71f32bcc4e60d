"""What other contexts and the faces may use of orders."""

from kameng.orders.domain import (
    OPEN_STATES,
    STATES,
    TONES,
    TRANSITIONS,
    PlaceRequest,
    flash_refusal,
    order_number,
    shopper_key,
)
from kameng.orders.services.labels import state_label
from kameng.orders.services.placing import (
    FirstAttempt,
    Goods,
    OrderRefused,
    Placed,
    Quote,
    cancel,
    check_secret,
    complete_old,
    expire_overdue,
    fresh_number,
    goods,
    place,
    quote,
    secret_of,
)
from kameng.orders.services.reading import (
    EventView,
    MoneyTrail,
    OrderPage,
    OrderView,
    StationFigures,
    TrailLeg,
    member_orders,
    money_trail,
    order_page,
    orders_by_ids,
    orders_by_numbers,
    station_figures,
    station_orders,
    timeline,
)
from kameng.orders.services.returning import REFUNDABLE, ReturnShare, refundable, return_shares

__all__ = [
    "OPEN_STATES", "REFUNDABLE", "STATES", "TONES", "TRANSITIONS", "EventView", "FirstAttempt",
    "Goods", "MoneyTrail", "OrderPage", "OrderRefused", "OrderView", "PlaceRequest", "Placed",
    "Quote", "ReturnShare", "StationFigures", "TrailLeg", "cancel", "check_secret",
    "complete_old", "expire_overdue", "flash_refusal", "fresh_number", "goods", "member_orders",
    "money_trail", "order_number", "order_page", "orders_by_ids", "orders_by_numbers", "place",
    "quote", "refundable", "return_shares", "secret_of", "shopper_key", "state_label",
    "station_figures", "station_orders", "timeline",
]  # fmt: skip
