"""The catalogue, for other contexts and for the faces."""

from kameng.catalog.domain.fields import FieldRule
from kameng.catalog.models import Listing, Product, Sku
from kameng.catalog.services.availability import forget_levels, fresh_levels, stock_levels
from kameng.catalog.services.backlinks import slug_of_sku
from kameng.catalog.services.browse import categories, product_cards, product_page
from kameng.catalog.services.costs import put_cost, set_cost
from kameng.catalog.services.front import front_page
from kameng.catalog.services.inputs import fields_of, save_fields, validate_inputs
from kameng.catalog.services.products import (
    create_category,
    create_product,
    create_sku,
    put_sourcing,
    save_tags,
    set_product_state,
    update_category,
    update_product,
    update_sku,
)
from kameng.catalog.services.shapes import (
    CategoryView,
    FieldView,
    Front,
    Page,
    ProductCard,
    ProductView,
    SkuView,
    TagView,
)
from kameng.catalog.services.sheet import SheetReport, export_sheet, import_sheet

__all__ = [
    "CategoryView", "FieldRule", "FieldView", "Front", "Listing", "Page", "Product", "ProductCard",
    "ProductView", "SheetReport", "Sku", "SkuView", "TagView", "categories", "create_category",
    "create_product", "create_sku", "export_sheet", "fields_of", "forget_levels", "fresh_levels",
    "front_page", "import_sheet", "product_cards", "product_page", "put_cost", "put_sourcing",
    "save_fields", "save_tags",
    "set_cost", "set_product_state", "slug_of_sku", "stock_levels", "update_category",
    "update_product", "update_sku", "validate_inputs",
]  # fmt: skip
