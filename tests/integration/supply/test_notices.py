"""What shoppers are told by mail about their orders."""

from __future__ import annotations

import pytest

from kameng.jobs import tasks
from kameng.jobs.api import drain

DEER = 3


@pytest.fixture
def told(shop):
    assert tasks
    with shop.app.app_context():
        drain()
        yield shop


def notices(shop, placed):
    return shop.owner.execute(
        "SELECT kind, subject, body FROM notice WHERE station_id = 3 AND body LIKE %s",
        (f"%{placed.order_no}%",),
    ).fetchall()


def test_a_delivered_order_is_told_once_and_without_its_card(told):
    placed, code = told.buy(told.sku(cards=1))
    assert code == "ok"
    drain()
    told.plant("UPDATE outbox SET sent_at = NULL WHERE topic = 'order.delivered'")
    drain()
    ((kind, subject, body),) = notices(told, placed)
    assert kind == "order.delivered"
    assert placed.order_no in subject
    assert "/orders/lookup" in body
    assert placed.secret not in body


def test_a_refund_under_way_is_told_with_its_amount(told):
    placed, _code = told.buy(told.sku(kind="manual"))
    told.guarded(
        "fail_order", p_station=DEER, p_order_id=placed.order_id, p_reason="x", p_actor="staff:1"
    )
    drain()
    ((kind, _subject, body),) = notices(told, placed)
    assert kind == "order.refunding"
    assert "¥98.61" in body
