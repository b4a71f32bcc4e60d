"""X1: the console in a real browser: keys, dark mode, the board that updates itself, an import."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_the_search_is_one_key_away(
    visit: Any, installation: Any, staff_state: Any, desktop: Any
) -> None:
    visitor = visit(desktop, storage_state=staff_state)
    page = visitor.page
    page.goto(f"{installation.main_url}/admin/orders/")
    box = page.locator(".km-search input")
    page.keyboard.press("/")
    assert box.evaluate("node => node === document.activeElement")
    box.evaluate("node => node.blur()")
    page.keyboard.press("Control+k")
    page.keyboard.type("星海")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/search/?q=*")
    assert page.locator(".km-results a").count() > 0
    assert visitor.complaints == []


def test_the_board_updates_itself_and_draws_its_charts(
    visit: Any, installation: Any, staff_state: Any, desktop: Any, picture: Any
) -> None:
    visitor = visit(desktop, storage_state=staff_state)
    page = visitor.page
    page.goto(f"{installation.main_url}/admin/")
    page.locator("[data-chart] svg").nth(1).wait_for()
    with page.expect_response("**/admin/board?span=24h") as answer:
        page.evaluate("htmx.trigger('#board', 'every 15s'); htmx.ajax('GET', "
                      "document.getElementById('board').getAttribute('hx-get'), '#board')")  # fmt: skip
    assert answer.value.status == 200
    page.locator("[data-chart] svg").nth(1).wait_for()
    picture(page, "console-board")
    assert visitor.complaints == []


def test_dark_mode_is_chosen_in_the_menu_and_kept(
    visit: Any, installation: Any, staff_state: Any, desktop: Any
) -> None:
    visitor = visit(desktop, storage_state=staff_state)
    page = visitor.page
    page.goto(f"{installation.main_url}/admin/products/")
    before = page.locator("html").get_attribute("data-bs-theme")
    page.locator("summary.km-user").click()
    page.locator("form[action$='/admin/scheme'] button").click()
    page.wait_for_load_state()
    after = page.locator("html").get_attribute("data-bs-theme")
    assert {before, after} == {"light", "dark"}
    assert page.url.endswith("/admin/products/")
    assert visitor.complaints == []


def test_on_a_phone_a_row_is_two_lines_and_the_menu_opens(
    visit: Any, installation: Any, staff_state: Any, phone: Any, picture: Any
) -> None:
    visitor = visit(phone, storage_state=staff_state)
    page = visitor.page
    page.goto(f"{installation.main_url}/admin/orders/")
    row = page.locator(".km-table tbody tr").first
    assert row.bounding_box()["height"] < 90
    assert row.locator("td:visible").count() == 4
    picture(page, "console-phone-orders")
    page.locator("[data-open-side]").click()
    page.locator(".km-side a[href='/admin/members/']").click()
    page.wait_for_url("**/admin/members/")
    assert visitor.complaints == []


def test_O1_an_import_shows_its_progress_to_the_end(
    visit: Any, installation: Any, staff_state: Any, desktop: Any, picture: Any
) -> None:
    visitor = visit(desktop, storage_state=staff_state)
    page = visitor.page
    page.goto(f"{installation.main_url}/admin/batches/import")
    page.locator("#sku").select_option(index=1)
    lines = "\n".join(f"BROWSER{n:05d}----CODE-{n:05d}-OF-THIS-TEST" for n in range(300))
    page.locator("#pasted").fill(f"{lines}\nonly-a-number----\n")
    page.locator("form button.btn-primary").click()
    page.get_by_text("上架可售").wait_for()
    page.locator(".km-steps .is-done").nth(3).wait_for()
    assert page.locator(".km-tile b").first.inner_text() == "300"
    page.reload()
    assert "缺卡密" in page.content()
    assert "CODE-00001" not in page.content()
    picture(page, "console-import")
    assert visitor.complaints == []
