"""Cards of the demo: made up, imported like any supplier's file."""

from __future__ import annotations

import random

from kameng.ops.demo.range import ACTOR, DemoSku
from kameng.stock import api as stock

ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
FEW = {5: 36, 17: 30, 29: 24, 41: 40}  # pools that are nearly or quite sold out by today


def lines(sku: DemoSku, count: int, source: random.Random, first: int = 0) -> bytes:
    """`count` lines of number----secret."""
    rows = []
    for number in range(first, first + count):
        groups = ("".join(source.choices(ALPHABET, k=4)) for _ in range(4))
        rows.append(f"{sku.code.replace('-', '')}{26110000 + number:08d}----{'-'.join(groups)}")
    return "\n".join(rows).encode()


def fill_pools(skus: list[DemoSku], source: random.Random) -> None:
    """Stock for the past and for the days to come (main scope); a few SKUs stay nearly empty."""
    for number, sku in enumerate(sku for sku in skus if sku.kind == "card"):
        count = FEW.get(number) or source.randrange(140, 260)
        stock.import_cards(
            sku.id, lines(sku, count, source), f"{sku.code}.txt", ACTOR,
            batch_name=f"{sku.code} 首批",
        )  # fmt: skip
