"""What is measured: rows, each a ratio of two cells or a figure with a goal of its own.

A cell is a rate within one round (`cells`); a figure is taken once, after the rounds (`figures`).
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.report import Row

LIMITS = ("T", "D", "P", "H")
ROWS = (
    Row("purchase_function", "P", "D", 0.40),
    Row("order_service", "order_service", "P", 0.70),
    Row("api_purchase", "api_purchase", "T", 0.20),
    Row("api_purchase_granian", "api_purchase_granian", "T", 0.28),
    Row("pay_to_card", "pay_to_card", "T", 0.12),
    Row("hot_sku", "hot_sku", "api_purchase", 0.90, quick=False),
    Row("hot_wallet", "hot_wallet", "api_purchase", 0.80, quick=False),
    Row("flash_sale", "flash_sale", "T", 0.50, quick=False),
    Row("page_warm", "page_warm", "H", 0.60),
    Row("page_cold", "page_cold", "H", 0.22),
    Row("place_pay", "place_pay", "T", quick=False),
    Row("posting", "posting", "insert_only", quick=False),
    Row("posting_one_statement", "posting", "one_statement", quick=False),
    Row("growth", "growth_1m_1000", "growth_10k_10", 0.90, group="growth", quick=False),
    Row("growth_100k_orders", "growth_100k_10", "growth_10k_10", group="growth", quick=False),
    Row("growth_1m_orders", "growth_1m_10", "growth_10k_10", group="growth", quick=False),
    Row("growth_100_stations", "growth_10k_100", "growth_10k_10", group="growth", quick=False),
    Row("growth_1000_stations", "growth_10k_1000", "growth_10k_10", group="growth", quick=False),
    Row("import", "import_100k_cards", better="lower", unit="s", quick=False),
    Row("reprice", "reprice_10k_listings", goal=5.0, better="lower", unit="s"),
    Row("outbox_p50", "outbox_p50", goal=20.0, better="lower", unit="ms", group="outbox_latency"),
    Row("outbox_p99", "outbox_p99", goal=150.0, better="lower", unit="ms", group="outbox_latency"),
    Row("memory_web", "memory_web", goal=150.0, better="lower", unit="MB", group="memory"),
    Row("memory_worker", "memory_worker", goal=120.0, better="lower", unit="MB", group="memory"),
    # Only by name: the same purchases under each kind of gunicorn's workers.
    Row("workers_sync", "workers_sync", "T", group="workers", asked=True),
    Row("workers_gthread", "workers_gthread", "T", group="workers", asked=True),
)


def chosen(names: Sequence[str], *, quick: bool = False) -> list[Row]:
    """Rows by their names or their group's; without names all, or those of a quick run.

    Raises `ValueError` for an unknown name.
    """
    unknown = set(names) - {name for row in ROWS for name in (row.name, row.group)}
    if unknown:
        raise ValueError(f"no such row: {', '.join(sorted(unknown))}")
    if names:
        return [row for row in ROWS if row.name in names or row.group in names]
    return [row for row in ROWS if not row.asked and (row.quick or not quick)]


def cells_of(rows: Sequence[Row]) -> list[str]:
    """Cells that these rows need, once each; what is compared stands side by side."""
    wanted = [name for row in rows if row.over for name in (row.over, row.cell)]
    return list(dict.fromkeys(wanted))


def figures_of(rows: Sequence[Row]) -> list[str]:
    """What these rows need of what is taken once."""
    return [row.cell for row in rows if not row.over]
