"""The simulator under many threads at once, and killed in the middle."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from kameng_payment_epay.signing import md5_sign
from kameng_payment_epay.simulator.store import open_store
from kameng_sdk.outcomes import Outcome

SERVER = """
import sys, pathlib
from werkzeug.serving import make_server
from kameng_payment_epay.simulator import EpaySimulator
from kameng_sdk.simulators import SimulatorEnvironment
folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
environment = SimulatorEnvironment(state_folder=folder, base_url="http://sim.test")
simulator = EpaySimulator(environment)
make_server("127.0.0.1", port, simulator.wsgi_app, threaded=True).serve_forever()
"""


def test_many_shoppers_at_once_pay_each_order_once(scene: Any, until: Callable[..., Any]) -> None:
    provider = scene.provider("v2")
    numbers = [f"many-{n}" for n in range(16)]

    def pay(number: str) -> int:
        return int(scene.web.post(f"{scene.url}/control/out:{number}/pay?times=3").status_code)

    with ThreadPoolExecutor(16) as pool:
        charges = pool.map(lambda no: provider.charge(scene.ctx(), scene.request(no)), numbers)
        assert {result.outcome for result in charges} == {Outcome.PENDING}
        codes = Counter(pool.map(pay, numbers * 2))
    assert codes == {200: 16, 409: 16}
    until(lambda: len(scene.merchant.notices) == 48)
    assert {len(scene.order(number)["payments"]) for number in numbers} == {1}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[bytes], str]]]:
    running: list[subprocess.Popen[bytes]] = []

    def start_one() -> tuple[subprocess.Popen[bytes], str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-c", SERVER, str(tmp_path), str(port)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        running.append(process)
        return process, f"http://127.0.0.1:{port}"

    yield start_one
    for process in running:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/control/settings").status_code == 200
    except httpx.TransportError:
        return False


def test_a_kill_loses_neither_payment_nor_notice(
    tmp_path: Path, scene: Any, until: Callable[..., Any], start: Any
) -> None:
    scene.merchant.answer = "not now"
    process, url = start()
    until(lambda: answers(url), 30)
    store = open_store(tmp_path / "epay")
    keys = {row["name"]: row["value"] for row in store.rows("SELECT * FROM settings")}
    order = {
        "pid": keys["pid"],
        "type": "alipay",
        "out_trade_no": "killed",
        "notify_url": f"{scene.shop_url}/notify",
        "return_url": f"{scene.shop_url}/back",
        "name": "点卡",
        "money": "1.00",
    }
    signed = order | {"sign": md5_sign(order, keys["md5_key"])}
    assert httpx.post(f"{url}/mapi.php", data=signed).json()["code"] == 1
    httpx.post(f"{url}/control/out:killed/pay").raise_for_status()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    scene.merchant.answer = "success"
    before = len(scene.merchant.notices)
    _, url = start()
    until(lambda: answers(url), 30)
    until(lambda: len(scene.merchant.notices) > before, 40)
    orders = httpx.get(f"{url}/control/orders?out_trade_no=killed").json()["orders"]
    assert len(orders[0]["payments"]) == 1
