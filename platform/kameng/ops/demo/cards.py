"""Cards of the demo: made up, imported like any supplier's file."""

from __future__ import annotations

import random

from kameng.ops.demo.range import ACTOR, DemoSku
from kameng.stock import api as stock

ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


def lines(sku: DemoSku, count: int, source: random.Random) -> bytes:
    """`count` lines of number----secret."""
    rows = []
    for number in range(count):
        groups = ("".join(source.choices(ALPHABET, k=4)) for _ in range(4))
        rows.append(f"{sku.code.replace('-', '')}{26110000 + number:08d}----{'-'.join(groups)}")
    return "\n".join(rows).encode()


def fill_pools(skus: list[DemoSku], source: random.Random) -> None:
    """Stock for the past and for the days to come (main scope); two SKUs stay nearly empty."""
    for number, sku in enumerate(sku for sku in skus if sku.kind == "card"):
        count = 36 if number in (5, 17) else source.randrange(140, 260)
        stock.import_cards(
            sku.id, lines(sku, count, source), f"{sku.code}.txt", ACTOR,
            batch_name=f"{sku.code} 首批",
        )  # fmt: skip
