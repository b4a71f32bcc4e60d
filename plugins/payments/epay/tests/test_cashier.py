"""The cashier page in the language of the browser."""

import re
from typing import Any

import pytest

HAN = re.compile("[\u4e00-\u9fff]")
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
SUBJECT = "话费充值 100 元 & 赠品=1"


@pytest.mark.parametrize("action", ["", "refuse", "pay_late", "pay"])
def test_no_text_is_forgotten_in_english(scene: Any, action: str) -> None:
    number = f"english{action}"
    url = scene.provider("v2").charge(scene.ctx(), scene.request(number)).redirect_url
    page = scene.web.get(url, headers=ENGLISH, follow_redirects=True)
    if action:
        scene.control(number, action)
        page = scene.web.get(page.url, headers=ENGLISH)
    assert page.status_code == 200
    assert 'lang="en"' in page.text
    assert "nobody is charged" in page.text
    shown = page.text.replace(SUBJECT, "").replace(SUBJECT.replace("&", "&amp;"), "")
    assert [line for line in shown.splitlines() if HAN.search(line)] == []


def test_every_other_browser_reads_chinese(scene: Any) -> None:
    url = scene.provider("v2").charge(scene.ctx(), scene.request("chinese")).redirect_url
    page = scene.web.get(url, headers={"Accept-Language": "fr"}, follow_redirects=True)
    assert 'lang="zh-CN"' in page.text
    assert "这是模拟收银台，不会真的扣钱" in page.text
