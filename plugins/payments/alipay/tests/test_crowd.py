"""The simulator under many threads at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kameng_sdk.outcomes import Outcome


def test_many_shoppers_at_once_pay_each_order_once(scene: Any, until: Callable[..., Any]) -> None:
    provider = scene.provider()
    numbers = [f"many_{n}" for n in range(12)]

    def pay(number: str) -> int:
        return int(scene.web.post(f"{scene.url}/control/out:{number}/pay?times=3").status_code)

    with ThreadPoolExecutor(12) as pool:
        charges = pool.map(
            lambda no: provider.charge(scene.ctx(), scene.request(no, method="qr")), numbers
        )
        assert {result.outcome for result in charges} == {Outcome.PENDING}
        codes = Counter(pool.map(pay, numbers * 2))
    assert codes == {200: 12, 409: 12}
    until(lambda: len(scene.merchant.notices) == 36)
    assert {len(scene.order(number)["payments"]) for number in numbers} == {1}


def test_one_refund_number_at_once_gives_back_once(scene: Any) -> None:
    provider, ref = scene.paid("crowd")
    request = scene.refund("crowd", ref, "R1", 3000)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: provider.refund(scene.ctx(), request), range(8)))
    assert {result.outcome for result in results} == {Outcome.SUCCEEDED}
    assert scene.order("crowd")["payments"][0]["refunded_fen"] == 3000
