"""A supplier's simulator over HTTP: answers that lie, levers, proofs and notices."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order, Refused
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import answer_json
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.testing import DirectHttp, LeverRefused, SupplyScene, simulating, wait_for


class Plain(SupplierSimulator):
    """The shortest dialect there can be."""

    name, title = "plain", "朴素"
    goods = (Goods(ref="1", name="点卡", category="游戏", cost=Money(10_0000)),)

    def rules(self) -> list[Rule]:
        return [Rule("/buy", endpoint="buy"), Rule("/ask", endpoint="ask")]

    def views(self) -> dict[str, Any]:
        return {
            "buy": lambda request: self.lying(lambda: self._buy(request), buys=True),
            "ask": lambda request: self.lying(lambda: self._ask(request)),
        }

    def _buy(self, request: Request) -> Response:
        number, url = request.args["number"], request.args.get("notify_url", "")
        try:
            order = self.warehouse.place(
                number=number, ref="1", quantity=2, inputs=request.form.to_dict(), notify_url=url
            )
        except Refused as no:
            return answer_json({"code": no.why.value})
        return answer_json({"code": "ok", "ref": order.ref})

    def _ask(self, request: Request) -> Response:
        order = self.warehouse.find(number=request.args["number"])
        return answer_json({"state": order.state.value if order else "unknown"})

    def callback(self, order: Order, *, forged: bool) -> Callback:
        body = json.dumps({"number": order.number, "state": order.state.value, "good": not forged})
        return Callback("POST", order.notify_url, body=body.encode())

    def system_error(self) -> Response:
        return answer_json({"code": "9999"})

    def missigned(self, response: Response) -> Response:
        response.headers["Sign"] = "broken"
        return response

    def demo_config(self) -> dict[str, str | int | bool]:
        return {"url": self.base_url}


Scene = SupplyScene[Plain]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plain, str]]:
    with simulating(Plain, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[Plain, str]) -> Iterator[Scene]:
    with closing(SupplyScene(*running)) as scene:
        yield scene


def call(scene: Scene, path: str) -> HttpResponse:
    return DirectHttp().request("POST", f"{scene.url}/{path}")


def test_an_honest_answer_is_json(scene: Scene) -> None:
    assert call(scene, "buy?number=A1").json()["code"] == "ok"
    assert call(scene, "ask?number=A1").json() == {"state": "done"}
    assert call(scene, "buy?number=A1").json() == {"code": "duplicate"}


@pytest.mark.parametrize(("lie", "sold"), [("html", 1), ("html_lost", 0)])
def test_html_comes_with_and_without_a_sale(scene: Scene, lie: str, sold: int) -> None:
    scene.settings(**{f"lie_{lie}": 100})
    answer = call(scene, f"buy?number={lie}")
    assert (answer.status, answer.body[:6]) == (502, b"<html>")
    assert len(scene.sales(lie)) == sold
    assert scene.facts()["lies"][lie] == 1


@pytest.mark.parametrize(("lie", "sold"), [("late_success", 1), ("silent", 0)])
def test_the_connection_is_cut_with_and_without_a_sale(scene: Scene, lie: str, sold: int) -> None:
    scene.settings(**{f"lie_{lie}": 100, "lie_on": "buy"})
    with pytest.raises(HttpOutcomeUnknown):
        call(scene, f"buy?number={lie}")
    assert len(scene.sales(lie)) == sold
    assert call(scene, f"ask?number={lie}").json() == {"state": "done" if sold else "unknown"}


def test_a_request_that_nobody_reads_is_cut_at_once_too(scene: Scene) -> None:
    scene.settings(lie_silent=100)
    begun = time.monotonic()
    with pytest.raises(HttpOutcomeUnknown):
        DirectHttp().request("POST", f"{scene.url}/buy?number=U1", content=b"x" * 300_000)
    assert time.monotonic() - begun < 5


def test_an_answer_can_end_in_the_middle(scene: Scene) -> None:
    scene.settings(lie_truncated=100)
    answer = call(scene, "buy?number=T1")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    assert len(scene.sales("T1")) == 1


@pytest.mark.parametrize(("lie", "sold"), [("ok_with_error", 1), ("ok_with_error_lost", 0)])
def test_the_dialects_own_error_comes_with_and_without_a_sale(
    scene: Scene, lie: str, sold: int
) -> None:
    scene.settings(**{f"lie_{lie}": 100})
    assert call(scene, f"buy?number={lie}").json() == {"code": "9999"}
    assert len(scene.sales(lie)) == sold


def test_a_signature_can_be_broken_and_only_questions_can_lie(scene: Scene) -> None:
    scene.settings(lie_wrong_signature=100, lie_on="query")
    assert "sign" not in call(scene, "buy?number=S1").headers
    assert call(scene, "ask?number=S1").headers["sign"] == "broken"


def test_notices_are_repeated_forged_and_doubled_as_told(scene: Scene) -> None:
    scene.settings(callback_times=2, forged_callbacks="on")
    call(scene, f"buy?number=C1&notify_url={scene.shop_url}/notify")
    wait_for(lambda: len(scene.merchant.notices) >= 3)
    told = [json.loads(notice.body)["good"] for notice in scene.merchant.notices]
    assert sorted(told) == [False, True, True]
    assert wait_for(lambda: scene.facts()["forged_accepted"]) == 1


def test_callbacks_that_are_off_wait(scene: Scene) -> None:
    scene.settings(callbacks="off")
    call(scene, f"buy?number=O1&notify_url={scene.shop_url}/notify")
    scene.settings(callbacks="on")
    wait_for(lambda: scene.merchant.notices)


def test_a_forged_notice_that_is_refused_goes_out_once(scene: Scene) -> None:
    scene.merchant.status = 400
    scene.settings(forged_callbacks="on", callback_times=0)
    call(scene, f"buy?number=F1&notify_url={scene.shop_url}/notify")
    states = "SELECT state FROM callbacks WHERE parent = 'forged' ORDER BY id DESC LIMIT 1"
    wait_for(lambda: scene.simulator.store.rows(states)[0]["state"] == "over")
    assert len(scene.merchant.notices) == 1


def test_levers_move_goods_money_and_orders(scene: Scene) -> None:
    call(scene, "buy?number=L1")
    assert scene.control("L1", "refund", amount="5.5")["refunded"] == "5.5000"
    with pytest.raises(LeverRefused):
        scene.control("L1", "refund", amount="100")
    with pytest.raises(LeverRefused):
        scene.control("L1", "fail")
    scene.balance_is("1")
    assert call(scene, "buy?number=L2").json() == {"code": "no_balance"}
    scene.balance_is("1000")
    scene.goods("1", stock=0, cost="11.0001")
    assert call(scene, "buy?number=L2").json() == {"code": "out_of_stock"}
    scene.goods("1", stock="endless", cost="10")
    for wrong in ({"stock": -1}, {"cost": "x"}, {"colour": "red"}):
        with pytest.raises(LeverRefused):
            scene.goods("1", **wrong)
    with pytest.raises(LeverRefused):
        scene.settings(lie_html=101)


def test_the_page_says_that_it_is_a_simulator(scene: Scene) -> None:
    page = DirectHttp().request("GET", f"{scene.url}/").text()
    assert "这是模拟供应商" in page
    assert "点卡" in page
    bill = DirectHttp().request("GET", f"{scene.url}/control/bill").text()
    assert bill.startswith("kind,number,ref,amount,at")
