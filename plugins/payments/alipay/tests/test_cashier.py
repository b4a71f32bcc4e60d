"""The cashier page in the language of the browser."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

HAN = re.compile("[\u4e00-\u9fff]")
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
SUBJECT = "话费充值 100 元 ＆ 赠品＝1"


@pytest.mark.parametrize("method", ["page", "wap", "qr"])
@pytest.mark.parametrize("action", ["", "refuse", "pay_late", "pay"])
def test_no_text_is_forgotten_in_english(scene: Any, action: str, method: str) -> None:
    number = f"english{action}{method}"
    result = scene.provider().charge(scene.ctx(), scene.request(number, method=method))
    url = result.redirect_url or result.qr_content
    page = scene.web.get(url, headers=ENGLISH, follow_redirects=True)
    if action:
        scene.control(number, action)
        page = scene.web.get(page.url, headers=ENGLISH)
    assert page.status_code == 200
    assert 'lang="en"' in page.text
    assert "nobody is charged" in page.text
    shown = page.text.replace(SUBJECT, "")
    assert [line for line in shown.splitlines() if HAN.search(line)] == []


def test_every_other_browser_reads_chinese(scene: Any) -> None:
    url = scene.provider().charge(scene.ctx(), scene.request("chinese")).redirect_url
    page = scene.web.get(url, headers={"Accept-Language": "fr"}, follow_redirects=True)
    assert 'lang="zh-CN"' in page.text
    assert "这是模拟收银台，不会真的扣钱" in page.text


def test_the_cashier_page_pays_without_script_and_returns_to_the_shop(
    scene: Any, until: Any
) -> None:
    url = scene.provider().charge(scene.ctx(), scene.request("page")).redirect_url
    page = scene.web.get(url, follow_redirects=True)
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    trade_no = scene.order("page")["trade_no"]
    answer = scene.web.post(f"{scene.url}/cashier/{trade_no}/pay")
    assert answer.status_code == 303
    back = urlsplit(answer.headers["Location"])
    query = parse_qs(back.query)
    assert (back.path, query["order"], query["out_trade_no"]) == ("/back", ["1"], ["page"])
    until(lambda: scene.merchant.notices)
    assert "已付款" in scene.web.get(url, follow_redirects=True).text
    again = scene.web.post(f"{scene.url}/cashier/{trade_no}/pay")
    assert "交易已被支付" in again.text
    assert len(scene.order("page")["payments"]) == 1


def test_a_code_leads_to_a_page_that_stays_after_paying(scene: Any) -> None:
    scene.open("scanned", method="qr")
    trade_no = scene.order("scanned")["trade_no"]
    paid = scene.web.post(f"{scene.url}/cashier/{trade_no}/pay", follow_redirects=True)
    assert "已付款" in paid.text
    assert "返回商家" not in paid.text


def test_an_address_with_a_changed_amount_is_refused(scene: Any) -> None:
    url = scene.provider().charge(scene.ctx(), scene.request("cheap")).redirect_url
    page = scene.web.get(url.replace("95.50", "0.01"), follow_redirects=True)
    assert (page.status_code, "无效签名" in page.text) == (400, True)
