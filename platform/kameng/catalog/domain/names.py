"""Names and codes of the catalogue, and the words a shopper searches for."""

from __future__ import annotations

import re
import unicodedata

KINDS = ("card", "top_up", "manual", "bundle")
PRODUCT_STATES = ("draft", "on_sale", "off_sale")
SKU_STATES = ("on_sale", "off_sale")
PRODUCT_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?")
SKU_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TAG_SLUG = re.compile(r"[\w-]{1,40}")
MAX_TERMS = 5
MAX_TERM = 40
MAX_FACE_VALUE = 10**10  # a million yuan


def search_terms(query: str) -> list[str]:
    """The words of a search, at most five, folded to plain width."""
    words = unicodedata.normalize("NFKC", query[:200]).split()
    printable = ["".join(char for char in word if char.isprintable()) for word in words]
    return [word[:MAX_TERM] for word in printable if word][:MAX_TERMS]


def like_pattern(term: str) -> str:
    """A substring pattern for ILIKE … ESCAPE '\\' in which nothing typed is a wildcard."""
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def tag_slug(name: str) -> str:
    """The address part of a tag: letters (Chinese too) and digits, words joined by hyphens."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", name).lower())
    return "-".join(words)[:40]


def product_problem(slug: str, name: str, kind: str, state: str) -> str:
    """Name of the first field that is not acceptable; empty when all are."""
    if not PRODUCT_SLUG.fullmatch(slug):
        return "slug"
    if not 1 <= len(name.strip()) <= 80 or not name.isprintable():
        return "name"
    if kind not in KINDS:
        return "kind"
    return "" if state in PRODUCT_STATES else "state"


def sku_problem(
    code: str, name: str, face_value: int, state: str, quantities: tuple[int, int], low_stock: int
) -> str:
    """Name of the first field of a SKU that is not acceptable; empty when all are."""
    if not SKU_CODE.fullmatch(code):
        return "code"
    if not 1 <= len(name.strip()) <= 80 or not name.isprintable():
        return "name"
    if not 0 <= face_value <= MAX_FACE_VALUE:
        return "face_value"
    if state not in SKU_STATES:
        return "state"
    least, most = quantities
    if not 1 <= least <= most <= 100_000:
        return "quantity"
    return "" if 0 <= low_stock <= 1_000_000 else "low_stock"
