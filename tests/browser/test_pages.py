"""T11: every page at both sizes: no complaint of the browser, nothing wider than the screen, axe."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

SHOP = (
    "/", "/categories", "/c/games", "/t/热卖", "/search?q=会员", "/search?q=没有这种东西",
    "/p/xinghai-points", "/p/phone-topup", "/p/mozhi-python", "/checkout?sku=XH30&quantity=1",
    "/orders/lookup", "/login", "/register", "/about/terms",
)  # fmt: skip
MAIN_ONLY = ("/apply", "/apply/status")
CONSOLE_BESIDE_THE_MENU = (
    "/admin/batches/import", "/admin/account/", "/admin/search?q=138", "/admin/webhooks/",
    "/admin/dialects/",
)  # fmt: skip
VIEWS = [("phone", "light"), ("desktop", "dark")]


def check(visitor: Any, width: int, address: str, expected: int = 200) -> list[str]:
    """Open one page; everything that is wrong with it."""
    visitor.complaints.clear()
    answer = visitor.page.goto(address)
    visitor.page.wait_for_timeout(60)
    wrong = [f"status {answer.status}"] if answer.status != expected else []
    if visitor.width_used() > width:
        wrong.append(f"{visitor.width_used()} px wide")
    wrong += visitor.complaints
    wrong += visitor.axe()
    return [f"{address} at {width} px: {line}" for line in wrong]


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_T11_the_shop_of_every_theme_is_sound(
    visit: Any, installation: Any, request: Any, size: str, scheme: str
) -> None:
    view = request.getfixturevalue(size)
    visitor = visit(view, color_scheme=scheme)
    wrong = []
    for station in (installation.main_url, *installation.info["station_urls"]):
        for path in SHOP if station == installation.main_url else SHOP[::3]:
            wrong += check(visitor, view["width"], station + path)
    for path in MAIN_ONLY:
        wrong += check(visitor, view["width"], installation.main_url + path)
    assert wrong == []


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_X1_every_console_page_is_sound(
    visit: Any, installation: Any, staff_state: Any, request: Any, size: str, scheme: str
) -> None:
    view = request.getfixturevalue(size)
    visitor = visit(view, color_scheme=scheme, storage_state=staff_state)
    visitor.page.goto(f"{installation.main_url}/admin/")
    menu = visitor.page.eval_on_selector_all(
        "nav a[href^='/admin/'], aside a[href^='/admin/']", "all => all.map(a => a.pathname)"
    )
    assert len(set(menu)) >= 20
    wrong = []
    for path in sorted({*menu, *CONSOLE_BESIDE_THE_MENU} - {"/admin/logout"}):
        wrong += check(visitor, view["width"], installation.main_url + path)
    assert wrong == []


def test_missing_pages_are_pages_too(visit: Any, installation: Any, phone: Any) -> None:
    visitor = visit(phone)
    answer = visitor.page.goto(installation.main_url + "/p/there-is-no-such-thing")
    assert answer.status == 404
    assert visitor.width_used() <= phone["width"]
    assert visitor.axe() == []


def test_the_english_shop_speaks_english(visit: Any, installation: Any, phone: Any) -> None:
    visitor = visit(phone)
    visitor.page.goto(installation.main_url + "/?lang=en")
    assert visitor.page.locator("html").get_attribute("lang") == "en"
    assert "Categories" in visitor.page.content()
