"""One Chromium for all browser tests, and visitors that remember what it complained about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "platform/kameng/web/assets/node_modules/axe-core/axe.min.js"
PHONE, DESKTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium() -> str:
    """Path of an installed Chromium, or an empty string."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), "")


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
def staff_state(browser: Browser, installation: Any) -> dict[str, Any]:
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
