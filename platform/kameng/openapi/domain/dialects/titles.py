"""What one SKU is where there is a single name for it, and two kinds of goods."""

from kameng.openapi.domain.facts import ProductFacts


def title(product: ProductFacts) -> str:
    """The product's name, and the SKU's unless it is said already."""
    said = not product.sku_name or product.sku_name in product.name
    return product.name if said else f"{product.name} {product.sku_name}"


def is_card(kind: str) -> bool:
    """Whether codes are delivered."""
    return kind in ("card", "bundle")
