"""The desks of money: refunds in parts, transfers by hand, adjustments, bonus rules."""

from __future__ import annotations

from typing import Any

import pytest
from tests.functional.console.conftest import MAIN, hidden

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@pytest.fixture(scope="module")
def sold(console: Any) -> Any:
    """Makes a delivered order paid at a gateway; returns its number and what it cost."""
    market, browser = console.market, console.market.browser()

    def make(sku: str = "XH30") -> tuple[str, int]:
        number, _id, attempt_no, amount = open_order(market, browser, sku)
        pay(market, attempt_no, amount)
        return number, amount

    return make


def open_order(
    market: Any, browser: Any, sku: str = "XH30", method: str = "payment-epay:alipay"
) -> tuple[str, int, str, int]:
    form = {**market.order_form(browser, sku), "method": method}
    answer = market.post(browser, "/orders", form)
    assert answer.status_code == 303, answer.text[:200]
    row = market.owner.execute(
        "SELECT o.order_no, a.id, a.attempt_no, a.amount FROM orders o JOIN payment_attempt a"
        " ON a.station_id = o.station_id AND a.order_id = o.id ORDER BY a.id DESC LIMIT 1"
    ).fetchone()
    return tuple(row)  # type: ignore[return-value]  # four columns, as named


def yuan(amount: int) -> str:
    return f"{amount / 10_000:.2f}"


def pay(market: Any, attempt_no: str, amount: int) -> None:
    from kameng.db import call

    # One way to pay may be of several gateways: which of them was chosen does not matter here.
    plugin = market.owner.execute(
        "SELECT plugin_id FROM payment_attempt WHERE attempt_no = %s", (attempt_no,)
    ).fetchone()[0]
    with market.app.app_context():
        done = call(
            "apply_payment", as_main=True, p_station=1, p_attempt_no=attempt_no,
            p_plugin=plugin, p_amount=amount, p_currency="CNY",
            p_provider_ref=f"ref-{attempt_no}", p_source="test", p_wait=False,
        )  # fmt: skip
    assert done["code"] == "ok", done


def by_hand(console: Any) -> tuple[str, int, str, int]:
    """An order that waits for a transfer, with one picture."""
    browser = console.market.browser()
    made = open_order(console.market, browser, method="payment-bank-transfer:bank_transfer")
    console.market.owner.execute(
        "INSERT INTO payment_proof(station_id, attempt_id, media_type, content)"
        " VALUES (1, %s, 'image/png', %s)", (made[1], PNG),
    )  # fmt: skip
    return made


def refunds(console: Any, number: str) -> list[Any]:
    return list(
        console.market.owner.execute(
            "SELECT r.id, r.amount, r.state, r.refund_no FROM refund r JOIN orders o"
            " ON o.station_id = r.station_id AND o.id = r.order_id WHERE o.order_no = %s"
            " ORDER BY r.id", (number,),
        )
    )  # fmt: skip


def test_a_part_is_given_back_once_however_often_it_is_pressed(console: Any, sold: Any) -> None:
    number, paid = sold()
    assert f"/admin/refunding/1/{number}" in console.get(f"/admin/orders/1/{number}")
    url = f"/admin/refunding/1/{number}"
    page = console.get(url)
    assert f'value="{yuan(paid)}"' in page
    form = {"amount": "10", "reason": "少充了", "key": hidden(page, "key")}
    shown = console.post(url, **{**form, "preview": "1"})
    assert "按退 10.00 元算" in shown.text
    assert "货款成本" in shown.text
    assert refunds(console, number) == []
    assert "已发起退款 10.00 元" in console.done(url, **form)
    assert "没有重复退" in console.done(url, **form)
    assert [row[1] for row in refunds(console, number)] == [10_0000]
    assert f'value="{yuan(paid - 10_0000)}"' in console.get(url)
    assert "金额不同" in console.post(url, **{**form, "amount": "9"}).text


@pytest.mark.parametrize(
    ("amount", "reason", "words"),
    [
        ("99", "x y", "最多还能退"), ("0", "x y", "要大于 0"), ("abc", "x y", "不是金额"),
        ("1.234", "x y", "最多两位小数"), ("1", "", "请写明原因"), ("-1", "x y", "金额不能为负"),
    ],
)  # fmt: skip
def test_bad_refunds_are_refused_in_words_and_nothing_is_lost(
    console: Any, refundable: str, amount: str, reason: str, words: str
) -> None:
    url = f"/admin/refunding/1/{refundable}"
    answer = console.post(url, amount=amount, reason=reason, key="key-of-a-bad-refund")
    assert answer.status_code in (400, 422)
    assert words in answer.text
    assert f'value="{amount}"' in answer.text
    assert refunds(console, refundable) == []


@pytest.fixture(scope="module")
def refundable(sold: Any) -> str:
    return str(sold()[0])


def test_an_unpaid_order_offers_no_refund(console: Any) -> None:
    number = open_order(console.market, console.market.browser())[0]
    assert "没有可退的" in console.get(f"/admin/refunding/1/{number}")
    assert f"/admin/refunding/1/{number}" not in console.get(f"/admin/orders/1/{number}")
    console.get("/admin/refunding/1/9999999999999999", expected=404)


def test_shares_on_the_page_are_what_the_books_take_back(console: Any, sold: Any) -> None:
    from kameng.db import main_scope
    from kameng.orders import api as orders

    number, _paid = sold()
    market = console.market
    order_id = market.count("SELECT id FROM orders WHERE order_no = %s", number)
    url = f"/admin/refunding/1/{number}"
    for step, (amount, units) in enumerate((("3.33", 3_3300), ("7.77", 7_7700))):
        with market.app.app_context(), main_scope(reason="test"):
            shares = {s.party: s.gives for s in orders.return_shares(1, order_id, units)}
        console.done(url, amount=amount, reason="测试", key=f"key-of-shares-{step}-{number}")
        taken = market.count(
            "SELECT coalesce(sum(t.amount), 0) FROM transfer t WHERE t.order_id = %s"
            " AND t.kind = 'return.cost' AND t.refund_id = (SELECT max(id) FROM refund)", order_id,
        )  # fmt: skip
        assert shares["cost"] == taken
        assert sum(shares.values()) == units


def test_a_declined_refund_is_tried_again_or_noted_by_hand(console: Any, sold: Any) -> None:
    number, paid = sold()
    console.done(
        f"/admin/refunding/1/{number}", amount=yuan(paid), reason="全退", key="key-of-the-whole"
    )
    refund_id, _amount, _state, refund_no = refunds(console, number)[0]
    url = f"/admin/refunds/1/{refund_id}"
    assert "重试" not in console.get(url)
    decline(console, refund_id)
    page = console.get(url)
    assert "渠道说：余额不足" in page
    assert "登记已线下退款" in page
    assert "已重新提交" in console.done(f"{url}/retry")
    decline(console, refund_id)
    assert "请填写转账的流水号" in follow(console, console.post(f"{url}/hand", ref="", text=""))
    page = console.done(f"{url}/hand", ref="BANK-7788", text="客户张三")
    assert "线下退给买家，流水号 BANK-7788" in page
    assert refunds(console, number)[0][2] == "succeeded"
    assert console.market.count("SELECT count(*) FROM transfer WHERE kind = 'refund.hand'") == 1
    assert refund_no in console.get("/admin/refunds/")


def decline(console: Any, refund_id: int) -> None:
    console.market.owner.execute(
        "UPDATE refund SET state = 'declined', message = '余额不足', next_try_at = NULL"
        " WHERE id = %s", (refund_id,),
    )  # fmt: skip


def follow(console: Any, answer: Any, role: str = "admin") -> str:
    assert answer.status_code == 303, answer.text[:300]
    return str(console.as_(role).get(answer.location, base_url=MAIN).text)


def test_who_may_not_refund_is_told_so(console: Any, refundable: str) -> None:
    assert console.post(f"/admin/refunding/1/{refundable}", "risk").status_code == 403
    assert console.post("/admin/refunds/1/1/hand", "support", ref="1").status_code == 403
    assert console.post("/admin/by-hand/1/1/confirm", "support").status_code == 403
    assert console.post("/admin/adjustments/request/1", "support").status_code == 403
    assert console.post("/admin/bonuses/save", "finance").status_code == 403


def test_a_transfer_off_by_a_fen_is_held_and_said_so(console: Any) -> None:
    number, attempt_id, _no, amount = by_hand(console)
    page = console.get(f"/admin/by-hand/?id=1-{attempt_id}", "finance")
    assert "0000 0000 0000 0000 000" in page
    assert 'name="amount" inputmode="decimal" maxlength="16" autocomplete="off" required value=""' \
        in page  # fmt: skip
    url = f"/admin/by-hand/1/{attempt_id}/confirm"
    wrong = console.post(url, "finance", amount=yuan(amount - 100), ref="BANK0001")
    page = follow(console, wrong, "finance")
    assert "金额和应付的不一样" in page
    assert f'value="{yuan(amount - 100)}"' in page
    assert "请填写银行流水号" in follow(
        console, console.post(url, "finance", amount=yuan(amount), ref=""), "finance"
    )
    done = console.done(url, "finance", amount=yuan(amount), ref="BANK0001")
    assert "已确认到账，订单已发货" in done
    assert "没有重复入账" in console.done(url, "finance", amount=yuan(amount), ref="BANK0001")
    state = console.market.owner.execute(
        "SELECT state FROM orders WHERE order_no = %s", (number,)
    ).fetchone()
    assert state == ("delivered",)


def test_pictures_are_pictures_and_nothing_else(console: Any) -> None:
    _number, attempt_id, _no, _amount = by_hand(console)
    proof = console.market.count("SELECT id FROM payment_proof WHERE attempt_id = %s", attempt_id)
    url = f"/admin/by-hand/1/{attempt_id}/proof/{proof}"
    answer = console.as_("finance").get(url, base_url=MAIN)
    assert answer.data == PNG
    assert answer.mimetype == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert console.as_("risk").get(url, base_url=MAIN).status_code == 403
    other = f"/admin/by-hand/1/{attempt_id - 1}/proof/{proof}"
    assert console.as_("finance").get(other, base_url=MAIN).status_code == 404


def test_a_transfer_that_never_came_is_refused_with_a_reason(console: Any) -> None:
    _number, attempt_id, _no, _amount = by_hand(console)
    url = f"/admin/by-hand/1/{attempt_id}/refuse"
    assert "请写明原因" in follow(console, console.post(url, "finance", reason=""), "finance")
    assert "已拒绝" in console.done(url, "finance", reason="没有查到这笔钱")
    assert "已经结束" in follow(console, console.post(url, "finance", reason="再来一次"), "finance")
    row = console.market.owner.execute(
        "SELECT state, cashier ->> 'refused' FROM payment_attempt WHERE id = %s", (attempt_id,)
    ).fetchone()
    assert row == ("declined", "没有查到这笔钱")


def test_the_board_counts_transfers_with_pictures(console: Any) -> None:
    by_hand(console)
    page = console.get("/admin/")
    assert "待确认转账" in page
    assert "买家传了截图，在等" in page


def test_X5_an_adjustment_is_asked_for_on_the_members_page(console: Any) -> None:
    member = console.market.member(console.browser(), "13900000301")
    url = f"/admin/members/1/{member}"
    page = console.get(url, "finance")
    form = {
        "pair": "adjustment>wallet", "amount": "30", "reason": "活动补偿", "back": url,
        "member_id": str(member), "key": hidden(page, "key"),
    }  # fmt: skip
    ask = "/admin/adjustments/request/1"
    assert "等另一个人批准" in console.done(ask, "finance", **form)
    assert "等另一个人批准" in console.done(ask, "finance", **form)
    assert console.market.count("SELECT count(*) FROM adjustment") == 1
    page = console.get(url, "finance")
    assert "活动补偿" in page
    assert "等批准" in page
    assert "活动补偿" in console.get("/admin/adjustments/")
    for wrong, words in (({"amount": "x"}, "不是金额"), ({"pair": "wallet>revenue"}, "不能调账"),
                         ({"reason": ""}, "请写明原因"), ({"amount": "0"}, "要大于 0")):  # fmt: skip
        bad = {**form, "key": f"key-of-wrong-{next(iter(wrong))}", **wrong}
        assert words in follow(console, console.post(ask, "finance", **bad), "finance")


def test_a_stations_page_offers_its_own_pairs(console: Any) -> None:
    page = console.get("/admin/stations/2", "finance")
    assert "保证金 → 主站收入" in page
    assert "提交调账申请" not in console.get("/admin/stations/2", "support")
    assert "保证金 → 主站收入" not in console.get("/admin/stations/1", "finance")


def test_bonus_rules_are_made_changed_switched_and_removed(console: Any) -> None:
    assert "还没有规则" in console.get("/admin/bonuses/")
    form = {"minimum": "100", "kind": "fixed", "value": "5", "active": "1", "note": "开业"}
    assert "充 100 元送 5 元" in console.done("/admin/bonuses/save", **form)
    wrong = console.post("/admin/bonuses/save", **{**form, "value": "一百"})
    assert wrong.status_code == 422
    assert "请填数字" in wrong.text
    assert 'value="一百"' in wrong.text
    rule = console.market.count("SELECT id FROM bonus_rule")
    assert "修改规则" in console.get(f"/admin/bonuses/?id={rule}")
    page = console.done(
        "/admin/bonuses/save", id=str(rule), minimum="200", kind="percent", value="3.5", cap="20",
        active="1",
    )  # fmt: skip
    assert "充 200 元起送 3.5%，最多 20 元" in page
    assert "已停用" in console.done(f"/admin/bonuses/{rule}/switch", active="0")
    assert "规则已删除" in console.done(f"/admin/bonuses/{rule}/delete")
    console.get("/admin/bonuses/?id=999", expected=404)


def test_a_member_sees_what_each_amount_earns(console: Any) -> None:
    market, browser = console.market, console.market.browser()
    console.done(
        "/admin/bonuses/save", minimum="100", kind="fixed", value="5", active="1", first_only="1"
    )
    member = market.member(browser, "13900000302")
    page = market.get(browser, "/me/top-up")
    assert page.count("送 5<") >= 5  # every tile from 100 on
    assert "充 100 元送 5 元" in page
    assert "没有赠送" in market.get(browser, "/me/top-up/bonus?other=99")
    assert "充 150.00 送 5.00，到账 155.00" in market.get(browser, "/me/top-up/bonus?other=150")
    counted = market.post(browser, "/me/top-up", {"other": "150", "count": "1"})
    assert "到账 155.00" in counted.text  # without script
    market.fill_wallet(1, member, 100_0000)
    wallet = market.get(browser, "/me/wallet")
    assert "充值赠送" in wallet
    assert "+¥5.00" in wallet
    assert "送 5<" not in market.get(browser, "/me/top-up")  # only the first
