"""Ports, masked settings, the simulators' switchboard, prices of the demo."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from kameng.cli import _masked
from kameng.ops.demo_info import _sku, seed_state
from kameng.ops.errors import OpsError
from kameng.ops.home import Home
from kameng.ops.ports import check_port
from kameng.ops.simulators import mount
from kameng.settings import Settings


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_taken_port_is_refused_in_words(taken_port: int) -> None:
    with pytest.raises(OpsError, match=f"Port {taken_port}") as refused:
        check_port("127.0.0.1", taken_port, "web")
    assert "KAMENG_PORT" in refused.value.remedy


@pytest.mark.parametrize("port", [0, -1, 70000])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(OpsError, match="no port number"):
        check_port("127.0.0.1", port, "web")


def test_secrets_are_masked() -> None:
    settings = Settings(
        demo=True,
        secret_key="hush",
        database_url="postgresql://kameng:word@db:5432/kameng",
        redis_url="redis://:word@cache/0",
    )
    shown = " ".join(_masked(n, settings) for n in ("secret_key", "database_url", "redis_url"))
    assert "hush" not in shown
    assert "word" not in shown
    assert "kameng:********@db:5432/kameng" in shown


def test_the_command_hands_its_options_to_the_bench(tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "kameng.cli", "bench", "--rows", "none-such"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert asked.returncode != 0
    assert "kameng bench: error: no such row: none-such" in asked.stderr


class _Echo:
    name = "echo"

    def wsgi_app(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}".encode()]

    def demo_config(self) -> dict[str, str]:
        return {}


def test_a_simulator_sees_its_own_paths() -> None:
    client = Client(mount({"echo": _Echo()}))
    assert client.get("/echo/pay/1").text == "/echo|/pay/1"
    assert client.get("/echo").text == "/echo|"


def test_the_switchboard_lists_simulators_and_refuses_others() -> None:
    client = Client(mount({"echo": _Echo()}))
    assert "echo" in client.get("/").text
    assert client.get("/nothing/pay").status_code == 404


@pytest.mark.parametrize(
    ("units", "shown"), [(95_000, "9.50"), (10_000, "1.00"), (12_345, "1.2345"), (1, "0.0001")]
)
def test_demo_prices_are_decimal_strings(units: int, shown: str) -> None:
    assert _sku({"sku": "a", "kind": "card", "price": units, "stock": 1})["price"] == shown


def test_a_new_home_is_not_seeded(tmp_path: Path) -> None:
    assert seed_state(Home(tmp_path), "postgresql://nowhere/none") == "none"
