"""X1, T7: nobody gets into the console who should not; nothing works without a token."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import AnyConverter

MAIN = "http://main.localhost:8000"
STATION = "http://yehang.localhost:8000"
OPEN = {"admin_gate.login_page", "admin_gate.login", "admin_gate.login_code"}
ANY_STAFF = {"admin_account", "admin_search", "admin_gate"}
VALUES = {
    "export_type": "csv",
    "kind": "csv",
    "order_no": "260000000000000000",
    "plugin_id": "payment-epay",
    "step": "start",
}


def endpoints(app: Any, method: str) -> list[tuple[str, str]]:
    """(endpoint, address) of every console rule that answers a method."""
    with app.test_request_context(base_url=MAIN):
        adapter = app.url_map.bind("main.localhost:8000")
        found = []
        for rule in app.url_map.iter_rules():
            if not rule.rule.startswith("/admin") or method not in rule.methods:
                continue
            if rule.endpoint.endswith(".static"):
                continue
            values = {name: VALUES.get(name, 1) for name in rule.arguments}
            values |= {  # of a rule that takes certain words only, the first of them
                name: sorted(converter.items)[0]
                for name, converter in rule._converters.items()
                if isinstance(converter, AnyConverter)
            }
            found.append((rule.endpoint, adapter.build(rule.endpoint, values, method=method)))
    return found


def test_the_console_has_the_views_that_the_issue_names(console: Any) -> None:
    names = {endpoint.partition(".")[0] for endpoint, _path in endpoints(console.market.app, "GET")}
    assert names >= {
        "admin", "admin_orders", "admin_payments", "admin_refunds", "admin_products", "admin_stock",
        "admin_categories", "admin_prices", "admin_rules", "admin_batches", "admin_alerts",
        "admin_stations", "admin_applications", "admin_members", "admin_staff", "admin_roles",
        "admin_accounts", "admin_transfers", "admin_verify", "admin_plugins", "admin_purchases",
        "admin_risk", "admin_jobs", "admin_audit", "admin_search", "admin_account",
        "admin_settlements", "admin_terms", "admin_statements", "admin_withdrawals", "admin_approvals",
    }  # fmt: skip


def test_flask_admin_serves_no_script_of_its_own(console: Any) -> None:
    rules = [rule.rule for rule in console.market.app.url_map.iter_rules()]
    assert not [rule for rule in rules if rule.startswith("/admin") and "static" in rule]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_T7_strangers_are_sent_to_the_login_by_every_endpoint(console: Any, method: str) -> None:
    browser = console.market.browser()
    token = browser.get("/admin/login", base_url=MAIN).text.split('name="_csrf" value="')[1]
    data = {"_csrf": token.split('"')[0]}
    for endpoint, path in endpoints(console.market.app, method):
        if endpoint in OPEN or endpoint == "admin_gate.logout":
            continue
        answer = browser.open(
            path, method=method, base_url=MAIN, data=data if method == "POST" else None
        )
        assert answer.status_code == 302, (endpoint, answer.status_code)
        assert answer.location.startswith("/admin/login"), endpoint


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_T7_a_role_without_the_permission_gets_403_by_every_endpoint(
    console: Any, method: str
) -> None:
    browser = console.as_("nothing")
    token = console.get("/admin/account/", "nothing").split('name="_csrf" value="')[1].split('"')[0]
    for endpoint, path in endpoints(console.market.app, method):
        if endpoint.partition(".")[0] in ANY_STAFF:
            continue
        data = {"_csrf": token} if method == "POST" else None
        answer = browser.open(path, method=method, base_url=MAIN, data=data)
        assert answer.status_code == 403, (endpoint, path, answer.status_code)


def test_403_says_which_permission_is_missing_and_who_has_it(console: Any) -> None:
    page = console.get("/admin/transfers/", "support", 403)
    assert "查看账本" in page
    assert "财务" in page


def test_the_sidebar_shows_only_what_the_role_may_open(console: Any) -> None:
    support, admin = console.get("/admin/", "support"), console.get("/admin/", "admin")
    assert "/admin/ledger/verify/" not in support
    assert "/admin/plugins/" not in support.split("</aside>")[0]
    assert "/admin/orders/" in support
    assert "/admin/ledger/verify/" in admin


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_T2_no_console_endpoint_exists_on_a_station(console: Any, method: str) -> None:
    browser = console.as_("admin")
    for endpoint, path in endpoints(console.market.app, method):
        answer = browser.open(path, method=method, base_url=STATION)
        assert answer.status_code == 404, (endpoint, answer.status_code)


def test_every_post_without_a_token_is_400(console: Any) -> None:
    browser = console.as_("admin")
    for endpoint, path in endpoints(console.market.app, "POST"):
        answer = browser.post(path, base_url=MAIN)
        assert answer.status_code == 400, (endpoint, answer.status_code)


def test_every_page_of_the_administrator_opens(console: Any) -> None:
    for endpoint, path in endpoints(console.market.app, "GET"):
        if "<" in path or endpoint.endswith(
            (".detail_page", ".export", ".progress", ".errors_sheet", ".proof", ".picture", ".ask",
             ".bill_page", ".difference_page", ".order_page", ".sheet", ".document", ".paper")
        ):  # fmt: skip
            continue
        answer = console.as_("admin").get(path, base_url=MAIN)
        # Flask-Admin's endpoints that a view has no use for do not exist; nor does every number 1.
        closed = "/1" in path or endpoint.rpartition(".")[2] in (
            "create_view", "edit_view", "details_view", "ajax_lookup", "ajax_update", "delete_view",
        )  # fmt: skip
        assert answer.status_code in ((200, 404) if closed else (200, 302)), (
            endpoint,
            answer.status_code,
        )


def test_pages_carry_a_strict_policy_and_no_inline_code(console: Any) -> None:
    answer = console.as_("admin").get("/admin/", base_url=MAIN)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text
    assert "javascript:" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/admin/products/edit/?id=1,2", "/admin/products/edit/?id=abc", "/admin/products/edit/?id=",
        "/admin/products/edit/?id=99999999999999999999", "/admin/products/edit/?id=-1",
        "/admin/rules/edit/?id=1", "/admin/rules/edit/?id=1,2,3", "/admin/rules/edit/?id=1,x",
        "/admin/orders/1/nope", "/admin/payments/1/999", "/admin/members/1/999999",
        "/admin/stations/999", "/admin/applications/999", "/admin/prices/sku/999",
        "/admin/batches/999", "/admin/plugins/no-such-plugin", "/admin/orders/export/html/",
        "/admin/products/delete/", "/admin/orders/ajax/lookup/",
    ],
)  # fmt: skip
def test_an_unknown_or_malformed_id_is_404(console: Any, path: str) -> None:
    answer = console.as_("admin").get(path, base_url=MAIN)
    assert answer.status_code in (404, 405), (path, answer.status_code)


@pytest.mark.parametrize(
    "query",
    ["page=-1", "page=999999999999999999", "page_size=7", "sort=99&desc=1", "search=%00x", "tab=no",
     "state=%27%3B--", "station=1e9", "day=2026-13-45", "day=9999-01-01..0001-01-01", "kind=%00"],
)  # fmt: skip
def test_odd_queries_of_scanners_never_break_a_list(console: Any, query: str) -> None:
    console.get(f"/admin/orders/?{query}")


def test_a_view_without_a_need_is_closed_to_everybody(console: Any) -> None:
    from kameng_admin.base.guard import Guarded

    with console.market.app.test_request_context("/admin/", base_url=MAIN):
        assert Guarded().is_accessible() is False
