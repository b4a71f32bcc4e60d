"""S5: a supplier's own system works with the API as the document says, and with nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from kameng import signing

from ..conftest import MAIN, YE  # noqa: TID252  # the market is one folder up

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "suppliers.md"
OFFER = {
    "sku_ref": "API-1", "name": "话费 100", "category": "话费", "kind": "top_up", "cost": "98.6000",
    "stock": 5, "on_sale": True,
}  # fmt: skip


class Machine:
    """A supplier's own system."""

    def __init__(self, street: Any, portal: Any) -> None:
        from kameng.suppliers import api as suppliers

        self.browser = street.market.browser()
        with street.market.app.app_context():
            self.key, self.secret = suppliers.make_key(portal.id, "test")

    def call(
        self,
        method: str,
        path: str,
        given: Any = None,
        base: str = MAIN,
        nonce: str = "",
        **changes: str,
    ) -> Any:
        path = f"/supplier/api/v1{path}"
        body = (
            b""
            if given is None
            else given
            if isinstance(given, bytes)
            else json.dumps(given).encode()
        )
        stamp, nonce = str(int(time.time())), nonce or os.urandom(12).hex()
        sign = signing.signature(self.secret, method, path, stamp, nonce, body)
        headers = {
            "Kameng-Key": self.key, "Kameng-Timestamp": stamp, "Kameng-Nonce": nonce,
            "Kameng-Signature": sign, **changes,
        }  # fmt: skip
        return self.browser.open(path, method=method, data=body, headers=headers, base_url=base)


@pytest.fixture(scope="module")
def machines(street: Any) -> list[Machine]:
    return [Machine(street, portal) for portal in street.portals[:2]]


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text[:400]
    assert answer.mimetype == "application/problem+json"
    found: dict[str, Any] = answer.get_json()
    assert found["code"] == code, found
    assert found["request_id"]
    return found


def test_S5_goods_are_pushed_all_or_none_and_once(street: Any, machines: list[Machine]) -> None:
    mine, other = machines
    assert mine.call("POST", "/offers", [OFFER]).get_json() == {"received": 1, "changed": 1}
    assert mine.call("POST", "/offers", [OFFER]).get_json() == {"received": 1, "changed": 0}
    new = {**OFFER, "sku_ref": "API-2", "stock": None, "on_sale": False}
    wrong = mine.call("POST", "/offers", [new, {**OFFER, "cost": 98.123456}, "x"])
    errors = problem(wrong, 422, "offers_invalid")["errors"]
    assert [(e["line"], sorted(e["fields"])) for e in errors] == [
        (2, ["cost"]), (3, ["cost", "kind", "name", "sku_ref"]),
    ]  # fmt: skip
    assert mine.call("POST", "/offers", [new]).get_json()["changed"] == 1
    problem(mine.call("POST", "/offers", [{**OFFER, "kind": "card"}]), 422, "kind_fixed")
    assert other.call("POST", "/offers", [OFFER]).get_json()["changed"] == 1  # a list of its own
    count = "SELECT count(*) FROM supply_offer WHERE sku_ref = 'API-1' AND cost = 986000"
    assert street.market.count(count) == 2


def test_S5_purchases_are_delivered_and_refused_by_their_own_supplier(
    street: Any, machines: list[Machine]
) -> None:
    mine, other = machines
    number, cards = street.bought(street.portals[0]), street.bought(street.portals[0], "EMPTY", 2)
    rows = {
        row["purchase_no"]: row for row in mine.call("GET", "/purchases").get_json()["purchases"]
    }
    assert rows[number]["inputs"] == {"phone": "13800136021"}
    assert set(rows[number]) == {
        "purchase_no", "state", "sku_ref", "title", "kind", "quantity", "delivered", "inputs",
        "cost", "refunded", "created_at",
    }  # fmt: skip
    assert number not in other.call("GET", "/purchases").text
    for path, given in (("deliver", {"text": "x"}), ("fail", {"reason": "x y"})):
        problem(other.call("POST", f"/purchases/{number}/{path}", given), 404, "purchase_unknown")
    problem(mine.call("POST", f"/purchases/{number}/deliver", {}), 400, "text_needed")
    done = mine.call("POST", f"/purchases/{number}/deliver", {"text": "充好了"}).get_json()
    assert done == {"purchase_no": number, "state": "succeeded", "repeated": False}
    again = mine.call("POST", f"/purchases/{number}/deliver", {"text": "充好了"}).get_json()
    assert again["repeated"]
    problem(
        mine.call("POST", f"/purchases/{number}/fail", {"reason": "反悔"}), 409, "already_delivered"
    )
    shown = mine.call("GET", f"/purchases/{number}").get_json()
    assert (shown["state"], shown["inputs"]) == ("succeeded", {"phone": "138****6021"})
    one = [{"number": "P1", "code": "API-SECRET-1"}]
    problem(mine.call("POST", f"/purchases/{cards}/deliver", {"cards": one}), 400, "cards_needed")
    problem(
        mine.call("POST", f"/purchases/{cards}/deliver", {"cards": ["x"]}), 422, "cards_invalid"
    )
    both = {"cards": [*one, {"code": "API-SECRET-2"}]}
    assert not mine.call("POST", f"/purchases/{cards}/deliver", both).get_json()["repeated"]
    third = street.bought(street.portals[0], "EMPTY", 1)
    problem(mine.call("POST", f"/purchases/{third}/deliver", {"cards": one}), 400, "duplicate_card")
    problem(mine.call("POST", f"/purchases/{third}/fail", {"reason": ""}), 400, "reason_needed")
    answer = mine.call("POST", f"/purchases/{third}/fail", {"reason": "缺货"}).get_json()
    assert answer == {"purchase_no": third, "state": "declined", "repeated": False}
    assert mine.call("POST", f"/purchases/{third}/fail", {"reason": "缺货"}).get_json()["repeated"]


def test_S5_what_is_not_signed_as_it_must_be_is_refused(machines: list[Machine]) -> None:
    mine, other = machines
    plain = mine.browser.get("/supplier/api/v1/purchases", base_url=MAIN)
    problem(plain, 401, "key_unknown")
    for changes, code in (
        ({"Kameng-Key": "x"}, "key_unknown"),
        ({"Kameng-Key": "KS0000000000000000"}, "key_unknown"),
        ({"Kameng-Key": other.key}, "signature_invalid"),
        ({"Kameng-Signature": "0" * 64}, "signature_invalid"),
        ({"Kameng-Timestamp": "1"}, "timestamp_invalid"),
        ({"Kameng-Nonce": "x"}, "nonce_invalid"),
    ):
        problem(mine.call("GET", "/purchases", **changes), 401, code)
    problem(mine.call("POST", "/offers", b"{"), 422, "json_invalid")
    problem(mine.call("POST", "/offers", b"[" + b" " * (1024 * 1024) + b"]"), 413, "too_large")
    assert mine.call("GET", "/purchases", base=YE).status_code == 404
    assert mine.call("GET", "/nothing").mimetype == "application/problem+json"


def test_S5_a_copy_of_a_request_is_refused(machines: list[Machine]) -> None:
    mine, other = machines
    nonce = os.urandom(12).hex()
    assert mine.call("GET", "/purchases", nonce=nonce).status_code == 200
    problem(mine.call("GET", "/purchases", nonce=nonce), 401, "nonce_used")
    assert other.call("GET", "/purchases", nonce=nonce).status_code == 200  # nonces of its own


def test_S5_the_key_of_a_supplier_that_is_gone_opens_nothing(
    street: Any, machines: list[Machine]
) -> None:
    state = "UPDATE supplier SET state = %s WHERE id = %s"
    portal = street.portals[0]
    for left in ("paused", "closed", "active"):
        street.market.owner.execute(state, (left, portal.id))
        answer = machines[0].call("GET", "/purchases")
        if left == "closed":
            problem(answer, 403, "supplier_closed")
        else:
            assert answer.status_code == 200


def test_S5_the_sample_of_the_document_works_as_it_stands(
    street: Any, tmp_path: Path, machines: list[Machine]
) -> None:
    """Nothing but the document: its code in a process of its own, over HTTP."""
    assert machines
    sample = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.M | re.S)
    (tmp_path / "sample.py").write_text("\n".join(sample), encoding="utf-8")
    waiting = [street.bought(street.portals[1]), street.bought(street.portals[1], "EMPTY", 2)]
    machine = Machine(street, street.portals[1])
    server = make_server("127.0.0.1", 0, street.market.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environ = {
        "KAMENG_URL": f"http://127.0.0.1:{server.server_port}", "KAMENG_KEY": machine.key,
        "KAMENG_SECRET": machine.secret, "KAMENG_HOST": "main.localhost", "PATH": os.environ["PATH"],
    }  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, str(tmp_path / "sample.py")], env=environ, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    assert "'received': 1" in done.stdout
    for number in waiting:
        state = "SELECT count(*) FROM purchase WHERE purchase_no = %s AND state = 'succeeded'"
        assert street.market.count(state, number) == 1


def test_S5_every_call_and_every_code_stands_in_the_document(street: Any) -> None:
    text = DOCUMENT.read_text("utf-8")
    rules = [
        re.sub(r"<number>", "{purchase_no}", rule.rule)
        for rule in street.market.app.url_map.iter_rules()
        if rule.rule.startswith("/supplier/api/")
    ]
    assert len(rules) == 5
    assert [rule for rule in rules if f"{rule}`" not in text] == []
