"""S5: two suppliers at work in the portal, each with its own things and nobody else's."""

from __future__ import annotations

import io
import re
from typing import Any

import pyotp
import pytest

from ..conftest import MAIN, YE, hidden  # noqa: TID252  # the market is one folder up
from .conftest import PASSWORD, PNG

PAGES = (
    "/", "/purchases", "/offers", "/statements", "/disputes", "/scorecard", "/contracts",
    "/documents", "/keys", "/account",
)  # fmt: skip


def test_S5_every_page_works_for_who_is_in_and_for_nobody_else(street: Any) -> None:
    portal = street.portals[0]
    stranger = street.market.browser()
    for path in PAGES:
        page = portal.get(path)
        assert portal.name in page
        assert 'href="/supplier/apply"' not in page
        away = stranger.get(f"/supplier{path}", base_url=MAIN)
        assert away.location.startswith("/supplier/login"), path
        assert stranger.get(f"/supplier{path}", base_url=YE).status_code == 404


def test_S5_signing_in_needs_both_factors(street: Any) -> None:
    portal = street.portals[0]
    browser = street.market.browser()
    browser.environ_base["REMOTE_ADDR"] = "198.51.100.200"

    def attempt(code: str, password: str = PASSWORD) -> Any:
        page = browser.get("/supplier/login", base_url=MAIN)
        data = {"login": portal.login, "password": password, "totp_code": code, "next": "/admin/"}
        return browser.post(
            "/supplier/login", base_url=MAIN, data={**data, "_csrf": hidden(page.text, "_csrf")}
        )

    assert attempt("", "wrong").status_code == 401
    asked = attempt("")
    assert asked.status_code == 401
    assert "required" in re.findall(r'name="totp_code"[^>]*>', asked.text)[0]
    assert attempt("000000").status_code == 401
    street.market.owner.execute(
        "UPDATE supplier_user SET totp_last_step = 0 WHERE login = %s", (portal.login,)
    )
    answer = attempt(pyotp.TOTP(portal.secret).now())
    assert (answer.status_code, answer.location) == (303, "/supplier/")
    cookies = [c for c in answer.headers.getlist("Set-Cookie") if "kameng-supplier" in c]
    assert "__Host-kameng-supplier=" in cookies[0]
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookies[0]
    assert "Expires" not in cookies[0]
    page = browser.get("/supplier/", base_url=MAIN)
    token = hidden(page.text, "_csrf")
    browser.post("/supplier/logout", base_url=MAIN, data={"_csrf": token})
    assert browser.get("/supplier/", base_url=MAIN).status_code == 302


def test_S5_who_has_no_second_factor_sees_nothing_but_the_way_to_one(street: Any) -> None:
    portal = street.supplier("新来的")
    path = street.invitation(portal)
    page = portal.browser.get(path, base_url=MAIN)
    token = hidden(page.text, "_csrf")
    bad = portal.browser.post(
        path, base_url=MAIN, data={"_csrf": token, "password": "short", "again": "short"}
    )
    assert bad.status_code == 422
    data = {"_csrf": token, "password": PASSWORD, "again": PASSWORD}
    assert portal.browser.post(path, base_url=MAIN, data=data).status_code == 303
    for page_path in PAGES:
        away = portal.browser.get(f"/supplier{page_path}", base_url=MAIN)
        assert away.location == "/supplier/second-factor"
    assert portal.browser.get(path, base_url=MAIN).status_code == 410  # the link is used up


def test_S5_forms_without_our_token_change_nothing(street: Any) -> None:
    portal = street.portals[0]
    answer = portal.browser.post("/supplier/keys", base_url=MAIN, data={"password": PASSWORD})
    assert answer.status_code == 400
    answer = portal.browser.post(
        "/supplier/keys", base_url=MAIN, headers={"Origin": YE},
        data={"password": PASSWORD, "_csrf": hidden(portal.get("/account"), "_csrf")},
    )  # fmt: skip
    assert answer.status_code == 400


def test_S5_a_top_up_is_delivered_by_text_and_nobody_elses_page_shows_it(street: Any) -> None:
    mine, other = street.portals[:2]
    number = street.bought(mine)
    page = mine.get(f"/purchases/{number}")
    assert "13800136021" in page
    for secret in ("晴选数卡", "98.6", "13900000000"):  # station, retail price, buyer
        assert secret not in re.sub(r"<title>.*?</title>", "", page)
    assert "13800136021" not in mine.get("/purchases")
    other.get(f"/purchases/{number}", 404)
    assert other.post(f"/purchases/{number}/deliver", text="抢单").status_code == 303
    assert other.post(f"/purchases/{number}/fail", reason="抢单").status_code == 303
    count = "SELECT count(*) FROM purchase WHERE purchase_no = %s AND state = 'sent'"
    assert street.market.count(count, number) == 1
    page = mine.done(f"/purchases/{number}/deliver", text="已充值 13:05")
    assert "已发货" in page
    assert "13800136021" not in page
    assert "138****6021" in page
    actor = street.market.owner.execute(
        "SELECT done_by FROM purchase WHERE purchase_no = %s", (number,)
    ).fetchone()
    assert actor == (f"supplier:{mine.id}",)
    again = mine.refused(f"/purchases/{number}/fail", reason="反悔了")
    assert "已经完成" in again


def test_S5_cards_go_from_the_page_into_the_vault(street: Any) -> None:
    mine = street.portals[0]
    number = street.bought(mine, "EMPTY", 2)
    assert "每行一张" in mine.get(f"/purchases/{number}")
    assert "张数" in mine.refused(f"/purchases/{number}/deliver", text="ONLY-ONE")
    mine.done(f"/purchases/{number}/deliver", text="A1----SECRET-1\nA2,SECRET-2\n")
    sold = (
        "SELECT count(*) FROM card c JOIN purchase p ON p.id = c.purchase_id"
        " AND p.station_id = c.station_id WHERE p.purchase_no = %s AND c.status = 2"
    )
    assert street.market.count(sold, number) == 2
    dump = street.market.owner.execute("SELECT string_agg(detail::text, ' ') FROM audit_event")
    assert "SECRET-" not in dump.fetchone()[0]
    twice = street.bought(mine, "EMPTY", 1)
    page = mine.refused(f"/purchases/{twice}/deliver", text="A1----SECRET-1")
    assert "已经在库" in page
    assert "已退单" in mine.done(f"/purchases/{twice}/fail", reason="缺货")


def test_S5_goods_are_kept_one_by_one_and_by_sheet(street: Any) -> None:
    mine, other = street.portals[:2]
    page = mine.done(
        "/offers", sku_ref="XH-1", name="星海点券", category="游戏", kind="card", cost="93.2",
        stock="10", on_sale="1",
    )  # fmt: skip
    assert "93.2000" in page
    assert "XH-1" not in other.get("/offers")
    assert "供货价" in mine.refused("/offers", sku_ref="X", name="x", kind="card", cost="abc")
    assert "加密资产" in mine.refused("/offers", sku_ref="X", name="USDT", kind="card", cost="1")
    sheet = mine.browser.get("/supplier/offers/sheet.csv", base_url=MAIN)
    text = sheet.data.decode("utf-8-sig")
    assert text.splitlines()[0] == "sku_ref,name,category,kind,cost,stock,on_sale"
    changed = text.replace("93.2000", "94.5") + "XH-2,新货,,top_up,1.5,,1\nBAD,,,card,x,,\n"
    seen = mine.post("/offers/preview", sheet=(io.BytesIO(changed.encode()), "o.csv"))
    assert seen.status_code == 200
    for word in ("新增 1，修改 1，不变 0，有误 1", "93.2000", "94.5000", "第 4 行"):
        assert word in seen.text
    sealed = re.findall(r'name="lines" value="([^"]+)"', seen.text)[0]
    assert "预览已过期" in other.refused("/offers/apply", lines=sealed)
    assert "94.5000" not in other.get("/offers")
    page = mine.done("/offers/apply", lines=sealed)
    assert "94.5000" in page
    assert "XH-2" in page
    for broken in (b"", b"foo,bar\n1,2\n", b"PK\x03\x04broken"):
        mine.refused("/offers/preview", sheet=(io.BytesIO(broken), "o.csv"))
    xlsx = mine.browser.get("/supplier/offers/sheet.xlsx", base_url=MAIN)
    again = mine.post("/offers/preview", sheet=(io.BytesIO(xlsx.data), "o.xlsx"))
    assert "新增 0，修改 0，不变 2，有误 0" in again.text


def test_S5_documents_are_handed_in_and_their_state_is_shown(street: Any) -> None:
    mine = street.portals[0]
    page = mine.done(
        "/documents", kind="telecom_licence", title="", number="B2-1",
        file=(io.BytesIO(PNG), "b2.png"),
    )  # fmt: skip
    assert "电信业务许可证" in page
    assert "审核中" in page
    assert "只收 PNG" in mine.refused("/documents", kind="other", file=(io.BytesIO(b"MZ"), "x.exe"))


def test_S5_statements_and_disputes_are_answered(street: Any) -> None:
    from kameng.db import main_scope
    from kameng.suppliers import api as suppliers

    mine, other = street.portals[:2]
    number = street.bought(mine)
    mine.done(f"/purchases/{number}/deliver", text="好了")
    street.market.owner.execute(
        "UPDATE transfer SET at = at - interval '40 days' WHERE kind = 'purchase.cost'"
    )
    with street.market.app.app_context(), main_scope(reason="test"):
        suppliers.draw_up_due()
        _id, dispute = suppliers.open_dispute(number, "not_delivered", 10_0000, "没到账", "staff:1")
        statement = suppliers.statements_of(mine.id)[-1].id
    assert "等您确认" in mine.get("/")
    assert number in mine.get(f"/statements/{statement}")
    assert number in mine.browser.get(
        f"/supplier/statements/{statement}/sheet.csv", base_url=MAIN
    ).data.decode("utf-8-sig")
    for path in (
        f"/statements/{statement}",
        f"/statements/{statement}/sheet.csv",
        f"/disputes/{dispute}",
    ):
        other.get(path, 404)
    mine.refused(f"/statements/{statement}", answer="dispute", total="", comment="")
    assert "有异议" in mine.done(
        f"/statements/{statement}", answer="dispute", total="1000.00", comment="少了一笔"
    )
    assert "已确认" in mine.done(f"/statements/{statement}", answer="agree")
    page = mine.done(
        f"/disputes/{dispute}", words="已核实", offer="8.5",
        evidence=(io.BytesIO("送达记录 ok".encode()), "log.txt"),
    )  # fmt: skip
    assert "愿意退回 ¥8.5000" in page
    assert "送达记录" in page
    mine.refused(f"/disputes/{dispute}", words="x x", offer="abc")
    other.post(f"/disputes/{dispute}", words="我来答")
    with street.market.app.app_context(), main_scope(reason="test"):
        assert suppliers.offered(mine.id, dispute) == 8_5000
        assert len(suppliers.messages_of(mine.id, dispute)) == 2


def test_S5_a_changed_password_ends_the_other_sessions(street: Any) -> None:
    portal = street.enter(street.supplier("换密码的"))
    other = street.market.browser()
    cookie = portal.browser.get_cookie("__Host-kameng-supplier", domain="main.localhost")
    other.set_cookie("__Host-kameng-supplier", cookie.value, domain="main.localhost")
    assert other.get("/supplier/", base_url=MAIN).status_code == 200
    portal.refused("/account/password", old="wrong", password="a-new-pass-1", again="a-new-pass-1")
    portal.done("/account/password", old=PASSWORD, password="a-new-pass-1", again="a-new-pass-1")
    assert other.get("/supplier/", base_url=MAIN).status_code == 302


def test_S5_a_new_phone_needs_a_code_of_the_old_one(street: Any) -> None:
    portal = street.enter(street.supplier("换手机的"))
    street.market.owner.execute("UPDATE supplier_user SET totp_last_step = 0")
    path = "/account/second-factor"
    portal.refused(path, password="wrong", totp_code=pyotp.TOTP(portal.secret).now())
    portal.refused(path, password=PASSWORD, totp_code="000000")
    good = {"password": PASSWORD, "totp_code": pyotp.TOTP(portal.secret).now()}
    assert portal.post(path, **good).location == "/supplier/second-factor"
    assert portal.browser.get("/supplier/", base_url=MAIN).location == "/supplier/second-factor"


def test_S5_a_supplier_is_a_guest_on_public_pages_and_stays_signed_in(street: Any) -> None:
    portal = street.portals[0]
    for path in ("/supplier/apply", "/", "/orders/lookup"):
        assert portal.browser.get(path, base_url=MAIN).status_code == 200
    assert portal.name in portal.get("/")


def test_S2_a_closed_supplier_is_out_at_its_next_request(street: Any) -> None:
    from kameng.db import main_scope
    from kameng.suppliers import api as suppliers

    portal = street.enter(street.supplier("要关闭的"))
    with street.market.app.app_context(), main_scope(reason="test"):
        suppliers.set_state(portal.id, "paused", "先停一停", "staff:1")
    assert "暂停" in portal.get("/")
    with street.market.app.app_context(), main_scope(reason="test"):
        suppliers.set_state(portal.id, "closed", "不合作了", "staff:1")
    portal.get("/", 302)


@pytest.mark.parametrize("field", ["about", "name"])
def test_S3_the_public_form_refuses_crypto_assets_by_their_word(street: Any, field: str) -> None:
    browser = street.market.browser()
    form = {
        "name": "某某", "legal_name": "某某科技有限公司", "contact_name": "某人", "agree": "1",
        "phone": "13800136021", "email": "x@example.com", "about": "正规点卡，授权齐全，长期供货",
        "business_licence": (io.BytesIO(PNG), "a.png"), field: "正规泰达币USDT兑换业务",
    }  # fmt: skip
    answer = street.apply(browser, form)
    assert answer.status_code == 422
    assert "泰达币" in answer.text
    trap = {**form, "website": "http://x", "business_licence": (io.BytesIO(PNG), "a.png")}
    assert street.apply(browser, trap).status_code == 200  # a machine is told nothing
    assert street.market.count("SELECT count(*) FROM supplier WHERE name = '某某'") == 0
