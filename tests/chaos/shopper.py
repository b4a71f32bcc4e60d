"""A shopper over plain HTTP: reads the pages' own forms, as a browser would, and keeps no cookie."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx


@dataclass
class Form:
    """A form of a page: where it goes and what it holds."""

    action: str = ""
    method: str = "get"
    values: dict[str, str] = field(default_factory=dict)


class FormReader(HTMLParser):
    """Collects the forms of a page with their preset values."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag == "input" and self.forms and given.get("name"):
            kind = given.get("type", "text")
            if kind not in ("radio", "checkbox") or "checked" in given:
                self.forms[-1].values[given["name"]] = given.get("value", "")


def form_of(page: str, action: str) -> Form:
    """The page's form with that action; raises LookupError when there is none."""
    reader = FormReader()
    reader.feed(page)
    for form in reader.forms:
        if urlsplit(form.action).path == action:
            return form
    raise LookupError(action)


@dataclass
class Purchase:
    """What became of one attempt to buy."""

    outcome: str  # paid, refused, gave_up
    order_no: str = ""
    secret: str = ""


class Shopper:
    """Buys one SKU at one station; repeats after broken connections under the same key."""

    def __init__(self, base_url: str, host: str, *, patience_s: float = 90) -> None:
        self.host = host
        self.patience_s = patience_s
        self.client = httpx.Client(base_url=base_url, headers={"Host": host}, timeout=20)

    def close(self) -> None:
        self.client.close()

    def buy(self, sku: str, contact: str, copies: int = 3) -> Purchase:
        """Checkout, place, pay at the simulator; every notice is sent `copies` times at once."""
        page = self._insist("GET", f"/checkout?{urlencode({'sku': sku, 'quantity': 1})}")
        try:
            form = form_of(page.text, "/orders")
        except LookupError:
            return Purchase("refused")
        values = {
            **form.values, "contact": contact, "agree": "1", "method": "payment-epay:alipay",
        }  # fmt: skip
        answer = self._insist("POST", "/orders", data=values)
        if answer.status_code != 303:
            return Purchase("refused" if answer.status_code == 409 else f"odd {answer.status_code}")
        cashier = self._cashier(answer.headers["Location"])
        return self._pay(cashier, copies) if cashier else Purchase("gave_up")

    def _cashier(self, location: str) -> str:
        """The gateway's page; asked for again when the gateway did not answer. "" = in vain."""
        give_up = time.monotonic() + self.patience_s
        while not location.startswith("http"):
            if time.monotonic() > give_up:
                return ""
            time.sleep(0.5)
            parts = urlsplit(location)
            order_no = parts.path.split("/")[2]
            secret = parse_qs(parts.query).get("k", [""])[0]
            address = f"/o/{order_no}/pay?k={secret}"
            page = self._insist("GET", address)
            try:
                form = form_of(page.text, f"/o/{order_no}/pay")
            except LookupError:
                continue
            values = {**form.values, "method": "payment-epay:alipay"}
            answer = self._insist("POST", address, data=values)
            location = answer.headers.get("Location", location)
        return location

    def _pay(self, cashier: str, copies: int) -> Purchase:
        parts = urlsplit(cashier)
        number = parts.path.rstrip("/").split("/")[-1]
        root = f"{parts.scheme}://{parts.netloc}/epay"
        for wait in (0.2, 0.5, 1, 2, 4):
            try:
                paid = httpx.post(f"{root}/control/{number}/pay?times={copies}", timeout=30)
                seen = httpx.get(f"{root}/control/orders", timeout=30)
            except httpx.TransportError:
                time.sleep(wait)
                continue
            if paid.status_code < 500:
                known = [paid.json()] if paid.status_code == 200 else []
                return Purchase("paid", *_order_of([*known, *seen.json()["orders"]], number))
            time.sleep(wait)
        return Purchase("gave_up")

    def card_of(self, order_no: str, secret: str) -> str:
        """The delivered page's text; empty while it is not delivered."""
        page = self._insist("GET", f"/o/{order_no}?k={secret}")
        return page.text if page.status_code == 200 else ""

    def _insist(self, method: str, path: str, data: dict[str, str] | None = None) -> httpx.Response:
        give_up = time.monotonic() + self.patience_s
        while True:
            try:
                self.client.cookies.clear()
                answer = self.client.request(method, path, data=data)
                if answer.status_code < 500:
                    return answer
            except httpx.TransportError:
                if time.monotonic() > give_up:
                    raise
            if time.monotonic() > give_up:
                return answer
            time.sleep(0.3)


def _order_of(orders: list[dict[str, str]], number: str) -> tuple[str, str]:
    """Order number and secret from the return address that the gateway was given."""
    for entry in orders:
        if entry.get("trade_no") == number:
            parts = urlsplit(entry.get("return_url", ""))
            secret = parse_qs(parts.query).get("k", [""])[0]
            return parts.path.split("/")[2], secret
    return "", ""
