"""The cashier page in the language of the browser."""

import re
from typing import Any

import pytest

HAN = re.compile("[\u4e00-\u9fff]")
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
SHOWN_SUBJECT = "话费充值 100 元 赠品 1"  # without the protocol's punctuation


@pytest.mark.parametrize("action", ["", "refuse", "pay_late", "pay", "pay_twice"])
def test_no_text_is_forgotten_in_english(scene: Any, action: str) -> None:
    number = f"english{action.replace('_', '')}0"
    page = scene.post(scene.provider().charge(scene.ctx(), scene.request(number)), **ENGLISH)
    if action:
        scene.control(number, action)
        page = scene.web.get(page.url, headers=ENGLISH)
    assert page.status_code == 200
    assert 'lang="en"' in page.text
    assert "nobody is charged" in page.text
    visible = re.sub(r'<input type="hidden"[^>]*>', "", page.text).replace(SHOWN_SUBJECT, "")
    assert [line for line in visible.splitlines() if HAN.search(line)] == []


def test_every_other_browser_reads_chinese(scene: Any) -> None:
    result = scene.provider().charge(scene.ctx(), scene.request("chinese0"))
    page = scene.post(result, **{"Accept-Language": "fr"})
    assert 'lang="zh-CN"' in page.text
    assert "这是模拟收银台，不会真的扣钱" in page.text
    assert SHOWN_SUBJECT in page.text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"txnAmt": "1"}, "The signature is wrong"),
        ({"merId": "777290000000000"}, "No such merchant"),
        ({"signature": ""}, "The signature is wrong"),
        ({"certId": "1"}, "The signature is wrong"),
    ],
)
def test_a_changed_form_gets_no_cashier(scene: Any, changes: dict[str, str], reason: str) -> None:
    result = scene.provider().charge(scene.ctx(), scene.request("changed00"))
    form = {**result.form, **changes}
    page = scene.web.post(result.redirect_url, data=form, headers=ENGLISH)
    assert page.status_code == 400
    assert reason in page.text
    assert scene.web.get(f"{scene.url}/control/orders?out_trade_no=changed00").json() == {
        "orders": []
    }
