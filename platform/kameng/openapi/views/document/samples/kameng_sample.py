"""Kameng open API in Python 3.9 or newer, standard library only.

    python3 kameng_sample.py                                   account, goods, an order, its result
    python3 kameng_sample.py sign METHOD PATH TIME NONCE < body     the signature of a request
    python3 kameng_sample.py webhook ID TIME SIGNATURES < body      is a message genuine?

Settings: KAMENG_URL, KAMENG_KEY, KAMENG_SECRET, KAMENG_SKU; KAMENG_WEBHOOK_SECRET (`whsec_…`) for
a registered endpoint, otherwise KAMENG_SECRET signs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

URL = os.environ.get("KAMENG_URL", "").rstrip("/")
KEY = os.environ.get("KAMENG_KEY", "")
SECRET = os.environ.get("KAMENG_SECRET", "")
DONE = ("delivered", "completed", "refunded")


def sign(method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of five lines; `path` with its query, as it is sent."""
    digest = hashlib.sha256(body).hexdigest()
    text = "\n".join((method, path, timestamp, nonce, digest))
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def call(method: str, path: str, given: Any = None) -> tuple[int, Any]:
    """Status and JSON. Without an answer it is sent again: the same number buys only once."""
    body = b"" if given is None else json.dumps(given).encode()
    for wait in (1, 2, 4, 8, 0):
        status, answer = attempt(method, path, body)
        if (status and status < 500 and status != 429) or not wait:
            break
        time.sleep(wait)
    if status not in (200, 201):
        raise SystemExit(f"{method} {path}: {status} {answer}")
    return status, json.loads(answer)


def attempt(method: str, path: str, body: bytes) -> tuple[int, str]:
    """One request with time, nonce and signature of its own; status 0: no answer."""
    timestamp, nonce = str(int(time.time())), secrets.token_urlsafe(18)
    headers = {
        "Content-Type": "application/json",
        "Kameng-Key": KEY,
        "Kameng-Timestamp": timestamp,
        "Kameng-Nonce": nonce,
        "Kameng-Signature": sign(method, path, timestamp, nonce, body),
    }
    request = Request(URL + path, data=body or None, headers=headers, method=method)
    try:
        with urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except (URLError, TimeoutError, ConnectionError) as problem:
        return 0, str(problem)


def is_genuine(secret: str, number: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether a webhook was signed with our secret within the last five minutes."""
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > 300:
        return False
    text = f"{number}.{timestamp}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, one) for one in signatures.split())


def trade() -> None:
    """Account, goods, an order and what came of it."""
    _status, account = call("GET", "/api/v1/account")
    print("balance", account["balance"], account["currency"])
    _status, page = call("GET", "/api/v1/products?" + urlencode({"limit": 20}))
    print("products", len(page["items"]))
    _status, product = call("GET", "/api/v1/products/" + quote(os.environ["KAMENG_SKU"], safe=""))
    print("price", product["price"])
    number = time.strftime("P%Y%m%d%H%M%S") + secrets.token_hex(4)  # store it before you send it
    wanted = {"sku": product["sku"], "quantity": 1, "merchant_order_no": number}
    status, order = call("POST", "/api/v1/orders", wanted)
    print("ordered", status, order["order_no"], order["state"])
    status, _order = call("POST", "/api/v1/orders", wanted)
    print("repeated", status)
    for _turn in range(20):
        _status, order = call("GET", "/api/v1/orders?" + urlencode({"merchant_order_no": number}))
        if order["state"] in DONE:
            break
        time.sleep(3)
    print("result", order["state"], len(order["cards"]), "cards")


def main(words: list[str]) -> None:
    if words[:1] == ["sign"]:
        method, path, timestamp, nonce = words[1:]
        print(sign(method, path, timestamp, nonce, sys.stdin.buffer.read()))
    elif words[:1] == ["webhook"]:
        number, timestamp, signatures = words[1:]
        secret = os.environ.get("KAMENG_WEBHOOK_SECRET") or SECRET
        good = is_genuine(secret, number, timestamp, signatures, sys.stdin.buffer.read())
        print("genuine" if good else "forged")
    else:
        trade()


if __name__ == "__main__":
    main(sys.argv[1:])
