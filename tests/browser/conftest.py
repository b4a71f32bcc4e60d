"""One running installation and one Chromium for all browser tests.

`KAMENG_TEST_HOME` names the state folder of a running `kameng up` to use instead of an own one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "platform/kameng/web/assets/node_modules/axe-core/axe.min.js"
KAMENG = [sys.executable, "-m", "kameng.cli"]
PHONE, DESKTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium() -> str:
    """Path of an installed Chromium, or an empty string."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), "")


@dataclass
class Installation:
    """A running `kameng up`: what `demo-info` says of it."""

    home: Path
    environ: dict[str, str]
    info: dict[str, Any]

    @property
    def main_url(self) -> str:
        return str(self.info["main_url"])

    def station_url(self, slug: str) -> str:
        return self.main_url.replace("//main.", f"//{slug}.")

    def kameng(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the product on this installation."""
        return subprocess.run(
            [*KAMENG, *words], env=self.environ, capture_output=True, text=True, cwd=ROOT
        )


def free_port() -> int:
    """A port with a free neighbour (the simulators), below the ephemeral range."""
    for port in range(18100, 18900, 2):
        with ExitStack() as stack:
            try:
                for number in (port, port + 1):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
        return port
    raise RuntimeError("no free port")


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A demo with everything running; started once, stopped at the end."""
    given = os.environ.get("KAMENG_TEST_HOME")
    home = Path(given) if given else tmp_path_factory.mktemp("installation")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("KAMENG_")}
    environ = {**clean, "KAMENG_HOME": str(home)}
    with ExitStack() as stack:
        if not given:
            environ["KAMENG_PORT"] = str(free_port())
            stack.enter_context(_running(environ, home))
        shown = subprocess.run(
            [*KAMENG, "demo-info", "--json"],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        yield Installation(home, environ, json.loads(shown.stdout))


@contextmanager
def _running(environ: dict[str, str], home: Path) -> Iterator[None]:
    log = (home / "up.log").open("wb")
    process = subprocess.Popen([*KAMENG, "up"], env=environ, stdout=log, stderr=log, cwd=ROOT)
    try:
        _until_ready(process, int(environ["KAMENG_PORT"]), home / "up.log")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.close()


def _until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + 280
    while time.monotonic() < give_up and process.poll() is None:
        try:
            ready = httpx.get(
                f"http://127.0.0.1:{port}/readyz", headers={"Host": "main.localhost"}, timeout=5
            )
            if ready.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    pytest.fail(f"kameng up did not get ready:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; without one the tests are skipped, except in CI."""
    path = chromium()
    if not path:
        if os.environ.get("CI"):
            pytest.fail("CI needs a Chromium")
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@dataclass
class Visitor:
    """A page that remembers what the browser complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on(
            "console",
            lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def axe(self) -> list[str]:
        """Serious and critical findings of axe on the present page."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
            ".filter(v => ['serious', 'critical'].includes(v.impact))"
            ".map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(', ')))"
        )
        return list(found)

    def width_used(self) -> int:
        """How wide the page really is: wider than the screen means it scrolls sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Function that opens a new visitor: `visit(DESKTOP, storage_state=…)`; a phone by default."""
    opened: list[BrowserContext] = []

    def open_one(size: dict[str, int] | None = None, **options: Any) -> Visitor:
        context = browser.new_context(viewport=size or PHONE, locale="zh-CN", **options)
        opened.append(context)
        visitor = Visitor(context.new_page())
        visitor.page.set_default_timeout(20_000)
        visitor.watch()
        return visitor

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def staff_state(browser: Browser, installation: Installation) -> dict[str, Any]:
    """Cookies of the administrator: a TOTP code works once, so one login serves all tests."""
    staff = installation.info["staff"]
    context = browser.new_context(viewport=DESKTOP, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{installation.main_url}/admin/login")
    page.locator("[name=login]").fill(staff["login"])
    page.locator("[name=password]").fill(staff["password"])
    code = page.locator("[name=code], [name=totp_code], [name=totp]")
    if not code.is_visible():
        page.locator("form button[type=submit], form button:not([type])").last.click()
        code.wait_for()
    code.fill(pyotp.TOTP(staff["totp_secret"]).now())
    page.locator("form button[type=submit], form button:not([type])").last.click()
    page.wait_for_url("**/admin/")
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture
def phone() -> dict[str, int]:
    """Size of a small phone."""
    return dict(PHONE)


@pytest.fixture
def desktop() -> dict[str, int]:
    """Size of a small desktop."""
    return dict(DESKTOP)


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Function that keeps a screenshot for the docs when KAMENG_SCREENSHOTS names a folder."""
    folder = os.environ.get("KAMENG_SCREENSHOTS")

    def keep(page: Page, name: str) -> None:
        if folder:
            page.wait_for_timeout(300)
            page.screenshot(path=str(Path(folder) / f"{name}.png"))

    return keep
