"""Buyers in a process of their own, at one flash sale, until it is killed; started by a test.

Reads a line of JSON (sku, sale, and keys as [id, secret]); writes each order number it is told.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.integration.openapi.docking import Key, new_number
from tests.integration.openapi.programs import headers

from kameng.app import create_app
from kameng.settings import load_settings

PATH = "/api/v1/orders"
BASE = "http://deer.localhost:8000"


def main() -> None:
    """Buy with every key, eight at a time."""
    wanted = json.loads(sys.stdin.readline())
    app = create_app(load_settings())

    def buy(pair: list[str]) -> None:
        body = json.dumps(
            {
                "sku": wanted["sku"], "quantity": 1, "merchant_order_no": new_number(),
                "flash_sale": wanted["sale"],
            }
        ).encode()  # fmt: skip
        signed = headers(Key(0, pair[0], pair[1]), "POST", PATH, body)
        answer: Any = app.test_client().post(PATH, base_url=BASE, data=body, headers=signed)
        told = answer.json.get("order_no", answer.json.get("code"))
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(buy, wanted["keys"]))


if __name__ == "__main__":
    main()
