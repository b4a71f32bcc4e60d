"""`make pictures`: take the README's screenshots anew from a running `make up`, into docs/images."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyotp
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
PHONE, DESKTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 860}
GOODS = "shanhe-month"


def main() -> None:
    """Walk the first sale as a shopper, then the console as an administrator."""
    shown = subprocess.run(
        [sys.executable, "-m", "kameng.cli", "demo-info", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    info = json.loads(shown.stdout)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        sale(browser, info["station_urls"][0])
        night(browser, info["station_urls"][1])
        console(browser, info)
        browser.close()


def sale(browser: Browser, station: str) -> None:
    """From the home page to the card."""
    page = open_page(browser, PHONE)
    page.goto(station)
    keep(page, "shop-home-phone")
    page.goto(f"{station}/p/{GOODS}")
    keep(page, "shop-product-phone")
    page.get_by_role("button", name="立即购买").click()
    page.locator("[name=contact]").fill("13800136021")
    page.locator("[name=agree]").check(force=True)
    keep(page, "shop-checkout-phone")
    page.locator("form[action='/orders'] button").last.click()
    page.get_by_role("button", name="付款").first.click()
    page.get_by_role("button", name="显示").first.click(timeout=30_000)
    page.get_by_role("button", name="复制", exact=True).first.wait_for()
    keep(page, "shop-delivered-phone")


def night(browser: Browser, station: str) -> None:
    """The same market in another theme."""
    page = open_page(browser, PHONE)
    page.goto(station)
    keep(page, "shop-home-night")


def console(browser: Browser, info: dict[str, Any]) -> None:
    """The board, an order and its money, the card pools, a station's statement."""
    page, base = open_page(browser, DESKTOP), f"{info['main_url']}/admin"
    log_in(page, base, info["staff"])
    page.goto(f"{base}/?span=30d")
    page.locator("[data-chart] svg").nth(1).wait_for()
    keep(page, "console-dashboard")
    page.goto(f"{base}/orders/")
    page.locator("main tbody a").first.click()
    keep(page, "console-order")
    page.goto(f"{base}/settlements/")
    page.locator("main tbody tr", has_text="已结算").locator("a").first.click()
    page.locator("a[href*='/trail/']").first.click()
    keep(page, "console-money-trail")
    page.goto(f"{base}/statements/")
    keep(page, "console-statement")
    page.goto(f"{base}/stock/")
    keep(page, "console-cards")


def log_in(page: Page, base: str, staff: dict[str, str]) -> None:
    """Password, then the second factor. Its code works once: another run within 30 s must wait."""
    page.goto(f"{base}/login")
    page.locator("[name=login]").fill(staff["login"])
    page.locator("[name=password]").fill(staff["password"])
    page.locator("form button").last.click()
    page.locator("[name=totp_code]").fill(pyotp.TOTP(staff["totp_secret"]).now())
    page.locator("form button").last.click()
    page.wait_for_url("**/admin/")


def open_page(browser: Browser, size: dict[str, int]) -> Page:
    """A fresh visitor with a sharp screen."""
    scale = 2 if size is PHONE else 1
    context = browser.new_context(viewport=size, locale="zh-CN", device_scale_factor=scale)
    return context.new_page()


def keep(page: Page, name: str) -> None:
    """Write the visible part of the page."""
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
