"""What two hands may meet over: each function makes one such thing and gives the numbers to name it by."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import psycopg

from kameng.db import main_scope
from kameng.risk import api as risk

from .gate import PLUGIN

DEER, JIANGNAN = 3, 2
Names = dict[str, Any]
Prepare = Callable[[Any], Names]


def placed(shop: Any, code: str = "", **order: Any) -> Any:
    return shop.place(code or shop.sku(cards=5), **order)


def paid(shop: Any, code: str = "", **order: Any) -> Any:
    """An order paid at the gate."""
    one = placed(shop, code, **order)
    attempt = shop.attempt(DEER, one.payable, order=one.order_id, plugin=PLUGIN)
    shop.pay(DEER, attempt, one.payable, plugin=PLUGIN)
    return one


def names(order: Any) -> Names:
    return {"order": order.order_id, "number": order.order_no, "payable": order.payable}


def unpaid(shop: Any) -> Names:
    return names(placed(shop))


def held(shop: Any) -> Names:
    return names(paid(shop, risk=("review", [])))


def delivered(shop: Any) -> Names:
    return names(paid(shop))


def for_people(shop: Any) -> Names:
    return names(paid(shop, shop.sku("manual")))


def of_member(shop: Any) -> Names:
    member = shop.member(DEER, balance=98_6100 * 2)
    return {**names(placed(shop, member_id=member)), "member": member}


def overdue(shop: Any) -> Names:
    shop.plant(
        "UPDATE orders SET deadline_at = now() + interval '1 day' WHERE state = 'pending_payment'"
    )
    found = unpaid(shop)
    shop.plant(
        f"UPDATE orders SET deadline_at = now() - interval '1 s' WHERE id = {found['order']}"
    )
    return found


def long_delivered(shop: Any) -> Names:
    found = delivered(shop)
    shop.plant(
        f"UPDATE orders SET delivered_at = now() - interval '99 days' WHERE id = {found['order']}"
    )
    return found


def attempted(shop: Any) -> Names:
    """An unpaid order with two attempts at the gate."""
    found = unpaid(shop)
    two = [
        shop.attempt(DEER, found["payable"], order=found["order"], plugin=PLUGIN) for _ in (1, 2)
    ]
    shop.plant(
        f"UPDATE payment_attempt SET cashier = '{{\"details\": []}}' WHERE order_id = {found['order']}"
    )
    return {**found, "one": two[0], "two": two[1]}


def short_of_funds(shop: Any) -> Names:
    """An order that its station has collected and cannot fund; another is paid in now."""
    own = placed(shop)
    attempt = shop.attempt(DEER, own.payable, order=own.order_id, plugin=PLUGIN)
    shop.plant(f"UPDATE payment_attempt SET account_station_id = 3 WHERE attempt_no = '{attempt}'")
    code = shop.guarded("apply_payment", p_station=DEER, p_attempt_no=attempt, p_plugin=PLUGIN, p_wait=True, p_amount=own.payable,
        p_currency="CNY", p_provider_ref=attempt, p_source="notice", p_holder=DEER)["code"]  # fmt: skip
    assert code == "awaiting_funds"
    shop.plant(f"UPDATE orders SET deadline_at = now() - interval '1 s' WHERE id = {own.order_id}")
    return names(own)


def due_share(shop: Any) -> Names:
    shop.plant("UPDATE settlement SET due_at = now() + interval '1 day'")
    found = delivered(shop)
    shop.plant(
        f"UPDATE settlement SET due_at = now() - interval '1 s' WHERE order_id = {found['order']} AND station_id = 2"
    )
    return found


def two_due_shares(shop: Any) -> Names:
    """Of one station: the first is due before the second."""
    due_share(shop)
    found = delivered(shop)
    shop.plant(
        f"UPDATE settlement SET due_at = now() - interval '1 hour' WHERE order_id = {found['order']} AND station_id = 2"
    )
    return found


def released_share(shop: Any) -> Names:
    """Released less a service fee of ten per cent."""
    found = due_share(shop)
    shop.plant("UPDATE settlement SET state = 'released', released_at = now(), fee_bp = 1000, fee = _service_fee(margin, 1000) "
        f"WHERE station_id = 2 AND order_id = {found['order']}")  # fmt: skip
    return found


def paid_in_recovery(shop: Any) -> Names:
    """Paid while nothing was delivered, and the recovery is over."""
    order = placed(shop)
    attempt = shop.attempt(DEER, order.payable, order=order.order_id, plugin=PLUGIN)
    shop.plant("INSERT INTO recovery(restored_to, source) VALUES (now(), 't')")
    shop.pay(DEER, attempt, order.payable, plugin=PLUGIN)
    shop.plant("UPDATE recovery SET state = 'ended', ended_at = now(), ended_by = 't'")
    return names(order)


def refund(shop: Any, state: str = "created") -> Names:
    """What risk has refused is to be given back."""
    order = paid(shop, risk=("review", []))
    with shop.app.app_context(), main_scope(reason="test"):
        risk.refuse(DEER, order.order_id, "staff:1", "no")
    shop.plant(f"UPDATE refund SET state = '{state}' WHERE order_id = {order.order_id}")
    return {
        **names(order),
        "refund": shop.one("SELECT refund_no FROM refund WHERE order_id = %s", order.order_id),
    }


def declined_refund(shop: Any) -> Names:
    return refund(shop, "declined")


def asked_back(shop: Any) -> Names:
    """A member's delivered order, with a request to give its money back."""
    member = shop.member(DEER)
    found = {**names(paid(shop, member_id=member)), "member": member}
    request = shop.one(OPEN_REQUEST.format(**found, n=1).replace("code", "request_id", 1))
    return {**found, "request": request}


def may_be_asked_back(shop: Any) -> Names:
    member = shop.member(DEER)
    return {**names(paid(shop, member_id=member)), "member": member}


OPEN_REQUEST = "SELECT code FROM open_refund_request(3, {member}, NULL, '{number}', NULL, 'broken', 'r-{n}', 'h', 'member')"


def adjustment(shop: Any) -> Names:
    """Asked for, and nobody has said a word."""
    asked = shop.guarded("request_adjustment", p_station=DEER, p_debit_kind="adjustment", p_debit_ref="", p_credit_kind="prepaid",
        p_credit_ref="", p_amount=70000, p_reason="goodwill", p_actor="staff:1", p_key=secrets.token_hex(8))  # fmt: skip
    return {"id": asked["id"], "approval": approval(shop, DEER, "adjustment", asked["id"])}


def agreed_adjustment(shop: Any) -> Names:
    found = adjustment(shop)
    said(shop, found, True)
    return found


def agreed_move(shop: Any, amount: int) -> int:
    """From what station 2 has earned to its deposit; its id."""
    asked = shop.guarded("request_adjustment", p_station=JIANGNAN, p_debit_kind="available", p_debit_ref="", p_credit_kind="deposit",
        p_credit_ref="", p_amount=amount, p_reason="more", p_actor="staff:1", p_key=secrets.token_hex(8))  # fmt: skip
    word = approval(shop, JIANGNAN, "adjustment", asked["id"])
    shop.guarded(
        "vote_approval",
        p_station=JIANGNAN,
        p_id=word,
        p_actor="staff:2",
        p_agrees=True,
        p_reason="",
    )
    return int(asked["id"])


def two_moves(shop: Any) -> Names:
    """Each of them possible, both of them not."""
    earned(shop)
    return {"one": agreed_move(shop, 1000000), "two": agreed_move(shop, 1000000)}


def refused_adjustment(shop: Any) -> Names:
    found = adjustment(shop)
    said(shop, found, False)
    return found


def approval(shop: Any, station: int, kind: str, subject: int) -> int:
    words = "SELECT id FROM approval WHERE station_id = %s AND kind = %s AND subject = %s"
    return int(shop.one(words, station, kind, str(subject)))


def said(shop: Any, found: Names, agrees: bool) -> None:
    shop.guarded(
        "vote_approval",
        p_station=DEER,
        p_id=found["approval"],
        p_actor="staff:2",
        p_agrees=agrees,
        p_reason="",
    )


def earned(shop: Any) -> Names:
    """Station 2 has 150 yuan to take out."""
    shop.plant("SELECT _post('given:' || gen_random_uuid(), 2, NULL, NULL, NULL, ARRAY[_account(1, 'revenue')], ARRAY[_account(2, 'available')], "
        "ARRAY[1500000 - coalesce((SELECT balance FROM account_balance WHERE account_id = _account(2, 'available')), 0)], ARRAY['adjust'])")  # fmt: skip
    # Its terms are there already: making their row would keep the two apart as well.
    shop.plant("UPDATE withdrawal SET state = 'declined'; SELECT _terms(2)")
    return {"key": secrets.token_hex(6)}


def withdrawal(shop: Any, state: str = "created", word: str = "approved", more: str = "") -> Names:
    """Asked for by one and, if so, agreed to by another; the money is frozen."""
    key = secrets.token_hex(6)
    number = shop.one("INSERT INTO withdrawal(station_id, withdrawal_no, amount, fee, payee_kind, payee, requested_by, request_key) "
        "VALUES (2, %s, 5000, 200, 'bank', '{}', 'staff:9', %s) RETURNING id", key, key)  # fmt: skip
    shop.plant(
        f"SELECT _post('hold:{number}', 2, NULL, NULL, NULL, ARRAY[_account(1, 'revenue')], ARRAY[_account(2, 'frozen')], ARRAY[5000::bigint], ARRAY['adjust'])"
    )
    voted = shop.one("INSERT INTO approval(station_id, kind, subject, title, requested_by, state) "
        "VALUES (2, 'withdrawal', %s, 'w', 'staff:9', %s) RETURNING id", str(number), word)  # fmt: skip
    if word == "approved":
        shop.plant(
            f"INSERT INTO approval_vote(station_id, approval_id, actor, agrees) VALUES (2, {voted}, 'staff:2', true)"
        )
    shop.plant(f"UPDATE withdrawal SET state = '{state}'{more} WHERE id = {number}")
    return {"id": number}


def agreed(shop: Any) -> Names:
    return withdrawal(shop, more=", approved_at = now()")


def just_agreed(shop: Any) -> Names:
    return withdrawal(shop)


def waiting(shop: Any) -> Names:
    return withdrawal(shop, word="waiting")


def refused(shop: Any) -> Names:
    return withdrawal(shop, word="refused")


def payout(shop: Any) -> Names:
    return withdrawal(
        shop, more=", approved_at = now(), plugin_id = 'payment-gate', next_try_at = now()"
    )


def sent(shop: Any) -> Names:
    return withdrawal(
        shop, "sent", more=", approved_at = now(), sent_at = now(), plugin_id = 'payment-gate'"
    )


def unknown(shop: Any) -> Names:
    return withdrawal(
        shop, "unknown", more=", approved_at = now(), sent_at = now(), plugin_id = 'payment-gate'"
    )


def difference(shop: Any, station: int = 1) -> Names:
    """A payment that the bill does not know."""
    key = secrets.token_hex(6)
    bill = shop.one(
        "INSERT INTO bill(station_id, plugin_id, account, day, state) VALUES (%s, 'payment-gate', %s, '2026-11-20', 'compared') RETURNING id",
        station,
        key,
    )
    number = shop.one(
        "INSERT INTO bill_difference(station_id, bill_id, class, kind, key, ours) VALUES (%s, %s, 'ours_only', 'payment', %s, 5000) RETURNING id",
        station,
        bill,
        key,
    )
    return {"id": number}


def agreed_difference(shop: Any) -> Names:
    found = difference(shop)
    shop.guarded(
        "request_difference", p_station=1, p_id=found["id"], p_note="lost", p_actor="staff:1"
    )
    word = approval(shop, 1, "bill_difference", found["id"])
    shop.guarded(
        "vote_approval", p_station=1, p_id=word, p_actor="staff:2", p_agrees=True, p_reason=""
    )
    return found


def at_desk(shop: Any) -> Names:
    """An order that a person is to fulfil, with the desk's connection."""
    desk = "SELECT c.id FROM supply_connection c JOIN supplier s ON s.id = c.supplier_id WHERE s.code = 'desk'"
    return {**for_people(shop), "desk": shop.one(desk)}


OPEN = "SELECT code FROM open_purchase(3, {order}, {desk}, NULL, 932000, 950000, 'p-{order}-{n}', '{{}}', '[]', NULL, 'staff:1')"


def opened(shop: Any) -> Names:
    found = at_desk(shop)
    return {
        **found,
        "purchase": shop.one(OPEN.format(**found, n=1).replace("code", "purchase_id", 1)),
    }


def taken(shop: Any) -> Names:
    found = opened(shop)
    shop.guarded("take_purchase", p_station=DEER, p_id=found["purchase"])
    return found


def supplier_payment(shop: Any) -> Names:
    key = secrets.token_hex(6)
    supplier = shop.one(
        "INSERT INTO supplier(code, name, state) VALUES (%s, 'Ext', 'active') RETURNING id",
        f"s-{key}",
    )
    asked = shop.guarded("request_supplier_payment", p_supplier=supplier, p_amount=5000, p_paid_on="2026-11-24", p_method="bank",
        p_reference="B1", p_note="", p_actor="staff:1", p_key=key)  # fmt: skip
    word = approval(shop, 1, "supplier_payment", asked["payment_id"])
    shop.guarded(
        "vote_approval", p_station=1, p_id=word, p_actor="staff:2", p_agrees=True, p_reason=""
    )
    return {"id": asked["payment_id"]}


def pool(shop: Any) -> Names:
    """A pool of cards, and a batch that is being imported into it."""
    code = shop.sku(cards=6)
    sku = shop.one("SELECT id FROM sku WHERE code = %s", code)
    batch = shop.one(
        "INSERT INTO card_batch(sku_id, name, created_by, state) VALUES (%s, 'b', 't', 'importing') RETURNING id",
        sku,
    )
    return {
        "sku": sku,
        "batch": batch,
        "digest": secrets.token_hex(31),
        "key": shop.one("SELECT min(id) FROM data_key WHERE purpose = 'card'"),
    }


def two_buyers(shop: Any) -> Names:
    """Two members who have money and keys; each has bought once, so that their accounts are there."""
    code, key = shop.sku(cards=6), secrets.token_hex(6)
    keys = [
        shop.one("INSERT INTO api_key(station_id, member_id, key_id, mode, name, scopes, created_by) "
            "VALUES (3, %s, %s, 'live', 'k', '{}', 't') RETURNING id", shop.member(DEER, balance=98_6100 * 2), f"KM{secrets.token_hex(8)}")
        for _ in range(2)
    ]  # fmt: skip
    found = {"one": keys[0], "two": keys[1], "code": code, "key": key}
    for n in (1, 2):
        assert shop.one(BUY.format(**found, n=n).replace(key, f"{key}x")) == "ok"
    return found


BUY = """SELECT code FROM buy_with_balance(3, (ARRAY[{one}, {two}])[{n}], 'b{key}{n}', '\\x00', '{code}', 1, NULL, '{{}}', '', 'O{key}{n}', 'A{key}{n}',
  '\\x00', 'allow', '[]', '{{}}', '')"""


def limited(shop: Any) -> Names:
    """An account of the main station that takes one fen a day."""
    shop.plant(
        "INSERT INTO station_plugin(station_id, plugin_id, account, token) VALUES (1, 'payment-gate', 'tight', 'tight') ON CONFLICT DO NOTHING"
    )
    shop.plant(
        "INSERT INTO payment_account(station_id, plugin_id, account, daily_limit) VALUES (1, 'payment-gate', 'tight', 100) ON CONFLICT DO NOTHING"
    )
    return {"key": secrets.token_hex(6)}


def told(url: str, sql: str, patience_ms: int = 0) -> Any:
    """The first column, nothing, or the SQLSTATE."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET lock_timeout = {patience_ms}".encode())
        try:
            row = connection.execute(sql.encode()).fetchone()
        except psycopg.Error as error:
            return error.sqlstate
    return row and row[0]
