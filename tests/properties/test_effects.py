"""What guarded functions leave alone: looked at after the call."""

from __future__ import annotations

from typing import Any

import pytest

from . import locking as made
from . import states
from .gate import Gate

ACCEPT = "SELECT code FROM accept_refund_request(3, {request}, 's', 'x')"
OF_PURCHASE = "SELECT state FROM purchase WHERE id = {purchase}"
OLD_ALERT = "INSERT INTO alert(station_id, kind, subject, title, state, closed_at) VALUES (1, '{kind}', '{kind_of}:' || {station} || ':' || {number}, 'old', 'closed', '2020-01-01')"
OLD_ONE = "SELECT count(*) FROM alert WHERE closed_at = '2020-01-01' AND subject = '{kind_of}:' || {station} || ':' || {number}"
REFUND = "(SELECT id FROM refund WHERE refund_no = '{refund}')"


def old_alert(kind: str, kind_of: str, station: int, number: str) -> tuple[str, str]:
    """An alert that was closed long ago, and the look at it."""
    words = {"kind": kind, "kind_of": kind_of, "station": station, "number": number}
    return OLD_ALERT.format(**words), OLD_ONE.format(**words)


DECLINED, DECLINED_THEN = old_alert("refund_declined", "refund", 3, REFUND)
WAITS, WAITS_THEN = old_alert("withdrawal", "withdrawal", 2, "{id}")
BONUS = "SELECT _grant_bonus(3, {attempt}, {member}, {amount})"
GRANTED = "SELECT count(*) FROM bonus_grant WHERE attempt_id = {attempt}"
NOTICES = """INSERT INTO payment_notice(station_id, plugin_id, digest, method, result) SELECT 3, 'payment-gate', sha256(convert_to('{key}' || n, 'UTF8')), 'POST', 'refused: x'
  FROM generate_series(1, 60) n"""
MAIN_NOTICE = """SELECT code FROM receive_main_notice('payment-gate', sha256('{{order}}'), 'POST', '', '{{{{}}}}', '', '', 'x', '{{one}}', {{payable}}, 'CNY', 'g{{order}}', true, {holder}, '{account}')"""
KEPT_BY = "SELECT station_id FROM payment_notice WHERE digest = sha256('{order}')"
# what there is; the call; what is looked at then; what is seen
EFFECTS: dict[str, tuple[made.Prepare, str, str, Any]] = {
    "a purchase of an order that does not stop goes on": (states.planted(states.of_person, "UPDATE orders SET state = 'partially_delivered' WHERE id = {order}"), ACCEPT, OF_PURCHASE, "sent"),
    "a purchase of an order of which something came goes on": (states.half_there, ACCEPT, OF_PURCHASE, "sent"),
    "only what was paid is given back": (states.with_another_attempt(made.held), "SELECT code FROM refuse_held(3, {order}, 's', 'x')",
        "SELECT count(*) FROM refund WHERE order_id = {order}", 1),
    "a payment keeps the name under which it was given back": (states.nameless, "SELECT code FROM apply_payment(3, '{one}', 'payment-gate', {payable}, 'CNY', 'late', 'notice', true)",
        "SELECT provider_ref FROM payment_attempt WHERE attempt_no = '{one}'", ""),
    "an old alert keeps its day when a refund is tried again": (states.planted(made.declined_refund, DECLINED), "SELECT code FROM retry_refund(3, '{refund}', 's')", DECLINED_THEN, 1),
    "an old alert keeps its day after a refund by hand": (states.planted(made.declined_refund, DECLINED), "SELECT code FROM refund_by_hand(3, '{refund}', 's', 'bank', '')", DECLINED_THEN, 1),
    "an old alert keeps its day at a withdrawal's end": (states.planted(made.refused, WAITS), "SELECT code FROM refuse_withdrawal(2, {id}, 's', 'x')", WAITS_THEN, 1),
    "of an ended withdrawal nobody is told": (states.planted(made.refused, "UPDATE withdrawal SET state = 'declined', approved_at = now() - interval '9 days' WHERE id = {id}"),
        "SELECT watch_withdrawals()", "SELECT count(*) FROM alert WHERE kind = 'withdrawal' AND subject = 'withdrawal:2:{id}'", 0),
    "a copy of a refused notice is counted where the first one stands": (states.planted(made.limited, NOTICES),
        "SELECT code FROM receive_notice(3, 'payment-gate', sha256('{key}1'), 'POST', '', '{{}}', '', '', 'refused: x', NULL, NULL, NULL, NULL, true)",
        "SELECT times FROM payment_notice WHERE digest = sha256('{key}1')", 2),
    "a first top-up is the first that was paid": (states.topped_up, BONUS, GRANTED, 1),
    "a bonus that cannot be paid twice": (states.short_of_bonus, BONUS, GRANTED, 1),
    "what a person has closed stays as it was closed": (states.planted(made.difference, "UPDATE bill_difference SET state = 'resolved', resolution = 'held' WHERE id = {id}"),
        "SELECT code FROM compare_bill(1, (SELECT bill_id FROM bill_difference WHERE id = {id}))", "SELECT resolution FROM bill_difference WHERE id = {id}", "held"),
    "a notice of an account that the attempt is not at is kept by the main station": (made.attempted, MAIN_NOTICE.format(holder=1, account="other"), KEPT_BY, 1),
    "and one of somebody else's account": (made.attempted, MAIN_NOTICE.format(holder=2, account=""), KEPT_BY, 1),
    "a sale that was called off has not run": (states.cancelled_sale, "SELECT turned FROM turn_flash_sales()", "SELECT state FROM flash_sale WHERE id = {sale}", "cancelled"),
    "and only those that have the key they are said to have": (states.old_key, "SELECT reencrypt_cards(ARRAY[{card}], ARRAY[{old}], ARRAY['new'::bytea], {now})",
        "SELECT count(*) FROM card WHERE id = {card} AND cipher = 'new'", 0),
    "what is sold does not go back into the pool": (made.delivered, "SELECT _release_cards(3, {order})", "SELECT count(*) FROM card WHERE order_id = {order} AND status = 2", 1),
    "cards are sealed anew with a key in use only": (states.old_key, "SELECT reencrypt_cards(ARRAY[{card}], ARRAY[{now}], ARRAY['new'::bytea], {old})",
        "SELECT count(*) FROM card WHERE id = {card} AND cipher = 'new'", 0),
}  # fmt: skip


@pytest.mark.parametrize("name", EFFECTS)
def test_what_a_function_leaves_alone_is_as_before(
    shop: Any, gate: Gate, database: str, name: str
) -> None:
    prepare, call, look, seen = EFFECTS[name]
    names = prepare(shop)
    made.told(database, call.format(**names))
    assert made.told(database, look.format(**names)) == seen
