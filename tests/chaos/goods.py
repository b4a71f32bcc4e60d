"""Goods, keys and money for a run, made by the product's own services: `goods.py MARK CARDS KEYS`.

Prints one JSON object: `race` and `pools` (SKU codes), `keys` {key_id, secret, member}.
"""

from __future__ import annotations

import json
import secrets
import sys
from typing import Any

from kameng.app import create_app
from kameng.catalog import api as catalog
from kameng.db import main_scope, station_scope
from kameng.identity import api as identity
from kameng.openapi import api as openapi
from kameng.ops.runtime import effective_settings
from kameng.payments import api as payments
from kameng.pricing import api as pricing
from kameng.stock import api as stock

RACE_CARDS, STATION = 100, 1
TOP_UP, TOP_UPS = 50_000_0000, 6  # what an integrator's wallet gets, and how often
POOR = 100_0000  # buys a few pieces


def main(mark: str, cards: int, keys: int) -> None:
    """One race pool, two large ones, and keys of members with money; the last one is poor."""
    app = create_app(effective_settings())
    with app.app_context():
        with main_scope(reason="chaos"):
            race = make_pool(f"RACE{mark}", RACE_CARDS)
            pools = [make_pool(f"POOL{letter}{mark}", cards) for letter in "AB"]
        made = [make_key(f"chaos{mark}-{n}", rich=n < keys - 1) for n in range(keys)]
    print(json.dumps({"race": race, "pools": pools, "keys": made}))


def make_pool(code: str, count: int) -> str:
    """A product with one SKU, its price and its cards, as the console makes them."""
    category = catalog.create_category(code.lower(), code)
    product = catalog.create_product(
        code.lower(), f"Chaos {code}", category, "card", state="on_sale"
    )
    sku = catalog.create_sku(product, code, "1", face_value=10_0000, cost=8_0000)
    lines = "\n".join(f"{code}{n:06d}----SECRET-{code}-{n:06d}" for n in range(count))
    stock.import_cards(sku, lines.encode(), f"{code}.txt", "chaos")
    pricing.reprice([sku])
    return code


def make_key(name: str, *, rich: bool) -> dict[str, Any]:
    """A member with a filled wallet and a key for programs."""
    with station_scope(STATION):
        member = identity.register_member(f"{name}@example.com", secrets.token_urlsafe(12), name)
    for amount in [TOP_UP] * TOP_UPS if rich else [POOR]:
        with station_scope(STATION):
            number = payments.open_top_up(member, amount, "payment-epay", "alipay")
        payments.apply_payment(STATION, "payment-epay", number, amount, f"SIM{number}", "webhook")
    with station_scope(STATION):
        key, secret = openapi.make_key(member, name=name, actor="chaos")
    return {"key_id": key, "secret": secret, "member": member}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
