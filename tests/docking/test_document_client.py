"""T8: a client written from the document alone does business with a running installation."""

from __future__ import annotations

import csv
import io
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest

from .document_client import DocumentClient, Refused

if TYPE_CHECKING:
    from ..conftest import Installation  # noqa: TID252  # fixtures of the whole suite

INBOX = "inbox"


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[DocumentClient]:
    found = DocumentClient(*at_main(installation), **key_of(installation))
    yield found
    found.http.close()


def at_main(installation: Installation) -> tuple[str, str]:
    parts = urlsplit(installation.main_url)
    return f"http://127.0.0.1:{parts.port}", parts.netloc


def key_of(installation: Installation) -> dict[str, str]:
    return {name: installation.info["api"][name] for name in ("key", "secret")}


@pytest.fixture(scope="module")
def sku(client: DocumentClient) -> dict[str, Any]:
    """Cards that are in stock."""
    page = client.call("listProducts", limit=100).content
    found: dict[str, Any] = next(
        one for one in page["items"]
        if one["kind"] == "card" and one["on_sale"] and one["stock"] > 20 and one["minimum"] == 1
        and Decimal(one["price"]) < 60
    )  # fmt: skip
    return found


def new_number() -> str:
    return f"DOC-{secrets.token_hex(8)}"


def eventually(found: Callable[[], Any], patience_s: float = 40) -> Any:
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up:
        if answer := found():
            return answer
        time.sleep(0.3)
    raise AssertionError("it did not come")


def test_T8_it_buys_once_and_pays_once(client: DocumentClient, sku: dict[str, Any]) -> None:
    before = Decimal(client.call("getAccount").content["balance"])
    wanted = {"sku": sku["sku"], "quantity": 2, "merchant_order_no": new_number()}
    new = client.call("createOrder", wanted)
    again = client.call("createOrder", wanted)
    assert (new.status, again.status) == (201, 200)
    assert new.content["order_no"] == again.content["order_no"]
    assert new.content["state"] == "delivered"
    cards = new.content["cards"]
    assert len({card["code"] for card in cards}) == 2
    assert again.content["cards"] == cards
    paid = before - Decimal(client.call("getAccount").content["balance"])
    assert paid == Decimal(new.content["total"])
    with pytest.raises(Refused, match="409 conflict"):
        client.call("createOrder", {**wanted, "quantity": 1})
    number = wanted["merchant_order_no"]
    assert client.call("findOrders", merchant_order_no=number).content["cards"] == cards
    assert client.call("getOrder", order_no=new.content["order_no"]).content["cards"] == cards
    listed = client.call("findOrders", limit=1).content
    assert listed["items"][0]["order_no"] == new.content["order_no"]
    following = client.call("findOrders", limit=1, cursor=listed["next_cursor"]).content
    assert following["items"][0]["order_no"] != new.content["order_no"]


def test_T8_a_refusal_is_one_of_those_that_the_document_names(
    client: DocumentClient, sku: dict[str, Any]
) -> None:
    wanted = {"sku": sku["sku"], "quantity": 1, "merchant_order_no": new_number()}
    for changes, refusal in (
        ({"max_total": "0.01"}, "409 max_total_exceeded"),
        ({"sku": "no-such-sku"}, "404 sku_unknown"),
        ({"quantity": sku["maximum"] + 1}, "422 quantity_invalid"),
        ({"colour": "red"}, "400 unknown_field"),
        ({"quantity": "1"}, "400 field_invalid"),
        ({"notify_url": "http://10.0.0.1/"}, "400 notify_url_invalid"),
    ):
        with pytest.raises(Refused, match=refusal):
            client.call("createOrder", {**wanted, **changes})
    with pytest.raises(Refused, match="404 order_unknown"):
        client.call("findOrders", merchant_order_no=wanted["merchant_order_no"])
    stranger = DocumentClient.__new__(DocumentClient)
    stranger.__dict__ = {**client.__dict__, "secret": "another"}
    with pytest.raises(Refused, match="401 signature_invalid"):
        stranger.call("getAccount")


def test_T8_a_webhook_comes_signed_to_the_address_of_the_order(
    installation: Installation, client: DocumentClient, sku: dict[str, Any]
) -> None:
    path, number = f"/{secrets.token_hex(6)}", new_number()
    root = f"{installation.info['simulators_url']}{INBOX}"
    wanted = {
        "sku": sku["sku"], "quantity": 1, "merchant_order_no": number, "notify_url": root + path,
    }  # fmt: skip
    client.call("createOrder", wanted)
    messages = eventually(lambda: httpx.get(root + path).json())
    told = [client.message("orderChanged", one["headers"], one["body"]) for one in messages]
    assert told[-1]["type"] == "order.delivered"
    data = told[-1]["data"]
    assert (data["merchant_order_no"], data["sandbox"]) == (number, False)
    cards = client.call("getOrder", order_no=data["order_no"]).content["cards"]
    assert cards[0]["code"] not in messages[-1]["body"]


def test_T8_money_is_asked_back_and_the_request_is_found_again(
    client: DocumentClient, sku: dict[str, Any]
) -> None:
    wanted = {"sku": sku["sku"], "quantity": 1, "merchant_order_no": new_number()}
    order_no = client.call("createOrder", wanted).content["order_no"]
    asked = {"reason": "卡密提示已使用", "request_no": new_number()}
    first = client.call("requestRefund", asked, order_no=order_no)
    again = client.call("requestRefund", asked, order_no=order_no)
    assert (first.status, again.status) == (201, 200)
    assert first.content == again.content
    with pytest.raises(Refused, match="409 refund_request_open"):
        client.call("requestRefund", {**asked, "request_no": new_number()}, order_no=order_no)
    listed = client.call("listRefundRequests", order_no=order_no).content["items"]
    assert listed == [first.content]


def test_T8_the_statement_of_yesterday_adds_up(client: DocumentClient) -> None:
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    day = (today - timedelta(days=1)).isoformat()
    found = client.call("getStatement", day=day).content
    moved = sum((Decimal(one["amount"]) for one in found["movements"]), Decimal(0))
    assert Decimal(found["opening_balance"]) + moved == Decimal(found["closing_balance"])
    sheet = client.call("getStatement", day=day, accept="text/csv").content
    rows = list(csv.DictReader(io.StringIO(sheet.removeprefix("\ufeff"))))
    assert len(rows) == 2 + len(found["movements"]) + len(found["orders"])
    with pytest.raises(Refused, match="400 date_invalid"):
        client.call("getStatement", day=today.isoformat())
