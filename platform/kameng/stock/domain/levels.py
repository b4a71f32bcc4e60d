"""When a pool is worth an alert."""

from __future__ import annotations


def level_alert(free: int, low_stock: int) -> str:
    """`sold_out`, `low_stock` or nothing."""
    if free <= 0:
        return "sold_out"
    return "low_stock" if free <= low_stock else ""
