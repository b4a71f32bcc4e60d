"""What other contexts and the faces may use of promotions."""

from kameng.promotions.domain import MOST_UNITS, TONES, Band, State, Terms, is_sale_number
from kameng.promotions.services.buying import buy_at_once
from kameng.promotions.services.entering import FlashRefused, admitted, flash_refused
from kameng.promotions.services.gate import LUA, Ticket, held, ticket
from kameng.promotions.services.planning import SaleInvalid, close_sale, plan_sale
from kameng.promotions.services.reading import (
    LABELS,
    SaleView,
    all_sales,
    sale,
    sales_of_product,
    shown_sales,
)
from kameng.promotions.services.reconciling import reconcile, watch
from kameng.promotions.services.writing import read_terms

__all__ = [
    "LABELS", "LUA", "MOST_UNITS", "TONES", "Band", "FlashRefused", "SaleInvalid", "SaleView",
    "State", "Terms", "Ticket", "admitted", "all_sales", "buy_at_once", "close_sale",
    "flash_refused", "held", "is_sale_number", "plan_sale", "read_terms", "reconcile", "sale",
    "sales_of_product", "shown_sales", "ticket", "watch",
]  # fmt: skip
