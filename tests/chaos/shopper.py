"""A shopper over plain HTTP: reads the pages' own forms, as a browser would, and keeps no cookie."""

from __future__ import annotations

import random
import re
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from .client import digest, own_address
from .forms import form_of
from .history import History

TIMEOUT_S, PATIENCE_S, PAUSE_S = 20, 90, 0.3
METHOD = "payment-epay:alipay"
CARD = re.compile(r"SECRET-[A-Z0-9]+-\d{6}")
READS = 8
# How a shopper behaves at the gateway, and how often: most pay.
WAYS = (("pay", 88), ("pay_twice", 3), ("refuse", 3), ("leave", 6))


class Shopper:
    """Buys one SKU at one station; repeats after broken connections under the form's one key."""

    def __init__(
        self, base: str, host: str, simulators: str, history: History, source: random.Random
    ) -> None:
        self._history, self._source, self._simulators = history, source, simulators
        self._client = httpx.Client(
            base_url=base, headers={"Host": host}, timeout=TIMEOUT_S, transport=own_address(source)
        )

    def close(self) -> None:
        self._client.close()

    def buy(self, sku: str, quantity: int, inputs: dict[str, str], way: str = "") -> str:
        """Checkout, place, pay at the simulator, look at the page; returns what became of it."""
        wish = {"sku": sku, "quantity": quantity} | {f"in.{k}": v for k, v in inputs.items()}
        page = self._insist("GET", f"/checkout?{urlencode(wish)}")
        try:
            form = form_of(page.text, "/orders") if page is not None else None
        except LookupError:
            form = None
        if form is None:
            return "not offered"
        op, contact = form.values["key"], f"139{self._source.randrange(10**8):08d}"
        self._history.note("invoke", "buy", op, by="web", sku=sku, quantity=quantity)
        address = self._place(
            op, form.values | {"contact": contact, "agree": "1", "method": METHOD}
        )
        if not address.startswith(("/", "http")):
            return address
        return self._at_the_gateway(op, self._cashier(address), way)

    def _place(self, op: str, values: dict[str, str]) -> str:
        """Where to pay; `fail` or `info` when nothing was placed, or nobody knows."""
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            answer = self._try("POST", "/orders", values)
            status = 0 if answer is None else answer.status_code
            if answer is not None and status == 303:
                self._history.note("ok", "buy", op, by="web", status=status)
                return answer.headers["Location"]
            refused = 400 <= status < 500 and status != 429
            self._history.note("fail" if refused else "info", "buy", op, by="web", status=status)
            if refused:
                return "fail"
            time.sleep(PAUSE_S)
        return "info"

    def _cashier(self, address: str) -> str:
        """The gateway's page; asked for again when the gateway did not answer. "" = in vain."""
        give_up = time.monotonic() + PATIENCE_S
        while not address.startswith("http"):
            if time.monotonic() > give_up:
                return ""
            time.sleep(2 * PAUSE_S)
            parts = urlsplit(address)
            order_no = parts.path.split("/")[2]
            secret = parse_qs(parts.query).get("k", [""])[0]
            here = f"/o/{order_no}/pay?k={secret}"
            page = self._insist("GET", here)
            try:
                form = form_of(page.text if page is not None else "", f"/o/{order_no}/pay")
            except LookupError:
                continue
            answer = self._insist("POST", here, form.values | {"method": METHOD})
            address = answer.headers.get("Location", address) if answer is not None else address
        return address

    def _at_the_gateway(self, op: str, cashier: str, way: str) -> str:
        if not cashier:
            return "no cashier"
        names, weights = zip(*WAYS, strict=True)
        way = way or self._source.choices(names, weights)[0]
        if way == "leave":
            return way
        trade = urlsplit(cashier).path.rstrip("/").split("/")[-1]
        pay = f"pay:{trade}"
        self._history.note("invoke", "pay", pay, of=op, way=way)
        for wait in (0.2, 0.5, 1, 2, 4, 8):
            shown = self._control(trade, way)
            self._history.note("info" if shown is None else "ok", "pay", pay, of=op)
            if shown is not None:
                if way != "refuse":
                    self._look(op, shown)
                return way
            time.sleep(wait)
        return "info"

    def _control(self, trade: str, way: str) -> dict[str, str] | None:
        """The order as the gateway shows it afterwards; it tells of a payment up to three times."""
        times = f"?times={self._source.randint(1, 3)}" if way != "refuse" else ""
        try:
            answer = httpx.post(f"{self._simulators}/epay/control/{trade}/{way}{times}", timeout=30)
            again = answer.status_code == 409  # it was done, and the answer was lost
            return answer.json() if answer.status_code == 200 else {} if again else None
        except (httpx.TransportError, ValueError):
            return None

    def _look(self, op: str, shown: dict[str, str]) -> None:
        """Open the order's page until it says that it was delivered; note the cards on it."""
        parts = urlsplit(shown.get("return_url", ""))
        if not parts.path.startswith("/o/"):
            return
        order_no, secret = parts.path.split("/")[2], parse_qs(parts.query).get("k", [""])[0]
        for turn in range(READS):
            page = self._try("GET", f"/o/{order_no}?k={secret}")
            if page is not None and page.status_code in (200, 404):
                found = "已发货" in page.text
                event = "ok" if page.status_code == 200 else "fail"
                cards = sorted({digest(card) for card in CARD.findall(page.text)})
                facts = {
                    "state": "delivered" if found else "",
                    "order_no": order_no,
                    "cards": cards,
                }
                self._history.note(event, "read", f"{op}#{turn}", of=op, by="web", **facts)
                if found:
                    return
            time.sleep(0.5 + turn / 2)

    def _insist(
        self, method: str, path: str, data: dict[str, str] | None = None
    ) -> httpx.Response | None:
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            answer = self._try(method, path, data)
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                return answer
            time.sleep(PAUSE_S)
        return None

    def _try(
        self, method: str, path: str, data: dict[str, str] | None = None
    ) -> httpx.Response | None:
        self._client.cookies.clear()
        try:
            return self._client.request(method, path, data=data)
        except httpx.TransportError:
            return None
