"""The cashier page in the language of the browser."""

import re
from typing import Any

import pytest

HAN = re.compile("[\u4e00-\u9fff]")
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
SUBJECT = "话费充值 100 元, &amp; 赠品=1"


@pytest.mark.parametrize("method", ["native", "h5"])
@pytest.mark.parametrize("action", ["", "refuse", "pay_late", "pay", "pay_twice"])
def test_no_text_is_forgotten_in_english(scene: Any, method: str, action: str) -> None:
    number = f"english-{method}-{action}"
    result = scene.charge(number, method)
    url = result.redirect_url if method == "h5" else result.qr_content
    page = scene.web.get(url, headers=ENGLISH, follow_redirects=True)
    if action:
        scene.control(number, action)
        page = scene.web.get(page.url, headers=ENGLISH)
    if action == "pay":
        page = scene.web.post(f"{page.url}/pay", headers=ENGLISH)
    assert page.status_code == 200
    assert 'lang="en"' in page.text
    assert "nobody is charged" in page.text
    shown = page.text.replace(SUBJECT, "")
    assert [line for line in shown.splitlines() if HAN.search(line)] == []


def test_a_closed_order_and_a_false_bridge_speak_english_too(scene: Any) -> None:
    scene.charge("english-closed")
    scene.provider().cancel(scene.ctx(), "english-closed", "")
    prepay_id = scene.order("english-closed")["prepay_id"]
    closed = scene.web.get(f"{scene.url}/cashier/{prepay_id}", headers=ENGLISH)
    assert "has closed this order" in closed.text
    refused = scene.web.get(f"{scene.url}/jsapi?appId=x", headers=ENGLISH)
    assert (refused.status_code, HAN.search(refused.text)) == (400, None)


def test_every_other_browser_reads_chinese(scene: Any) -> None:
    url = scene.charge("chinese").qr_content
    page = scene.web.get(url, headers={"Accept-Language": "fr"}, follow_redirects=True)
    assert 'lang="zh-CN"' in page.text
    assert "这是模拟收银台，不会真的扣钱" in page.text
