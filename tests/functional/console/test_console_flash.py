"""Flash sales of the main station's own shop in its console."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

MAIN = "http://main.localhost:8000"
PAGE = "/admin/flash-sales/"


def token(browser: Any, role_page: str) -> str:
    found = re.search(r'name="_csrf" value="([^"]+)"', browser.get(role_page, base_url=MAIN).text)
    assert found
    return found[1]


def plan(browser: Any, **changes: str) -> Any:
    ends = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(hours=2)
    form = {
        "_csrf": token(browser, PAGE), "sku": "XH30", "price": "29.00", "units": "3",
        "ends_at": ends.strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip
    return browser.post(PAGE + "plan", data=form | changes, base_url=MAIN)


def test_operations_plan_a_sale_see_it_and_stop_it(console: Any) -> None:
    browser = console.as_("operations")
    assert "还没有秒杀" in browser.get(PAGE, base_url=MAIN).text
    wrong = plan(browser, price="0.01")
    assert wrong.status_code == 422
    assert "不能低于本店的进货价" in wrong.text
    assert plan(browser).status_code == 303
    page = browser.get(PAGE, base_url=MAIN).text
    assert "0 / 3" in page
    assert "进行中" in page
    row = console.market.owner.execute("SELECT sale_no, station_id FROM flash_sale").fetchone()
    assert row[1] == 1
    assert row[0] in console.market.get(console.browser(), "/", MAIN)
    close = f"{PAGE}{row[0]}/close"
    assert (
        browser.post(close, data={"_csrf": token(browser, PAGE)}, base_url=MAIN).status_code == 303
    )
    assert "已结束" in browser.get(PAGE, base_url=MAIN).text
    audit = "SELECT count(*) FROM audit_event WHERE station_id = 1 AND action LIKE 'flash.%%'"
    assert console.market.count(audit) == 2


def test_who_may_not_change_prices_plans_nothing(console: Any) -> None:
    for role in ("support", "finance"):
        browser = console.as_(role)
        page = browser.get(PAGE, base_url=MAIN)
        assert page.status_code in (200, 403)
        assert "安排秒杀" not in page.text
