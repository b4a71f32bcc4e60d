"""R9: what a supplier is owed, what was paid, and statements and bills that agree with it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kameng.db import main_scope, supplier_scope
from kameng.errors import Conflict, DomainError, Forbidden
from kameng.identity import api as identity
from kameng.suppliers import api as suppliers


def back_dated(trade: Any, supplier: int, days: int) -> None:
    """All postings of this supplier happened some days ago."""
    trade.shop.plant(
        f"UPDATE transfer SET at = at - interval '{days} days' WHERE {supplier}::text IN"
        " (SELECT ref FROM account WHERE kind = 'supplier' AND id IN (debit_account, credit_account))"
    )


def test_R9_a_payment_moves_money_only_after_a_second_persons_word(trade: Any) -> None:
    supplier = trade.active()
    trade.bought(supplier)
    day = date(2026, 11, 24)
    with main_scope(reason="test"):
        assert suppliers.owed_to(supplier) == 93_2000
        ask = (supplier, 50_0000, day, "bank", "B-9", "", "staff:1", "same-key")
        made = suppliers.request_payment(*ask)
        assert suppliers.request_payment(*ask) == made
        with pytest.raises(DomainError, match="conflict"):
            suppliers.request_payment(supplier, 60_0000, *ask[2:])
        with pytest.raises(DomainError, match="amount_invalid"):
            suppliers.request_payment(supplier, 55, *ask[2:7], "other")
        (waiting,) = identity.approvals(kind="supplier_payment", subject=str(made))
        with pytest.raises(Forbidden, match="same_person"):
            identity.vote(1, waiting.id, "staff:1", True)
        assert suppliers.owed_to(supplier) == 93_2000
        assert identity.vote(1, waiting.id, "staff:2", True) == "approved"
        assert suppliers.owed_to(supplier) == 43_2000
        assert suppliers.payments_of(supplier)[0].state == "done"
        second = suppliers.request_payment(supplier, 10_0000, *ask[2:7], "refused-one")
        (waiting,) = identity.approvals(kind="supplier_payment", subject=str(second))
        identity.vote(1, waiting.id, "staff:2", False, "不该付")
        assert suppliers.payments_of(supplier)[0].state == "refused"
        assert suppliers.owed_to(supplier) == 43_2000
    trade.shop.assert_books_balance()


def test_R9_nobody_books_a_payment_past_the_second_person(trade: Any) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    from kameng.db import db

    supplier = trade.active()
    with main_scope(reason="test"):
        made = suppliers.request_payment(
            supplier, 1_0000, date(2026, 11, 24), "", "", "", "staff:1", "k"
        )
        for statement in (
            f"SELECT * FROM settle_supplier_payment({made}, true)",
            f"SELECT * FROM book_supplier_payment({supplier}, {made}, true)",
            f"UPDATE supplier_payment SET state = 'done' WHERE id = {made}",
        ):
            with pytest.raises(DBAPIError):
                db.session.execute(text(statement))
            db.session.rollback()
        assert suppliers.owed_to(supplier) == 0


def test_R9_statements_are_drawn_up_once_and_add_up(trade: Any) -> None:
    supplier = trade.active()
    first, _no = trade.bought(supplier)
    trade.bought(supplier, cost=10_0000)
    trade.paid(supplier, 20_0000, "a")
    back_dated(trade, supplier, 40)
    today = date.today()
    with main_scope(reason="test"):
        assert suppliers.draw_up_due() >= 1
        assert suppliers.draw_up_due() == 0
        mine = suppliers.statements_of(supplier)
        assert sum(one.purchases for one in mine) == 103_2000
        assert sum(one.payments for one in mine) == 20_0000
        assert mine[0].closing == 83_2000
        assert mine[0].period_until < today
        for one in mine:
            assert sum(line.amount for line in suppliers.lines_of(one)) == one.closing - one.opening
            assert len(suppliers.lines_of(one)) == one.lines
    assert first
    trade.shop.guarded(
        "receive_purchase", p_station=3, p_id=first, p_pieces=1, p_cost=93_2000, p_refunded=3_2000,
        p_ref="", p_message="", p_text="", p_ciphers="", p_digests="", p_key=None,
        p_expires=[None], p_actor="test",
    )  # fmt: skip
    with main_scope(reason="test"):
        later = today.replace(day=1) + timedelta(days=33)
        suppliers.draw_up_due(later)
        newest = suppliers.statements_of(supplier)[0]
        assert (newest.opening, newest.refunds, newest.closing) == (83_2000, 3_2000, 80_0000)
    trade.shop.assert_books_balance()


def test_R9_a_supplier_confirms_or_disputes_its_own_statement(trade: Any) -> None:
    supplier, other = trade.active(), trade.active()
    trade.bought(supplier)
    back_dated(trade, supplier, 40)
    with main_scope(reason="test"):
        suppliers.draw_up_due()
    with supplier_scope(supplier):
        one = suppliers.statements_of(supplier)[-1]
        assert [line.amount for line in suppliers.lines_of(one)] == [93_2000]
        name, _media, body = suppliers.statement_sheet(one, "csv")
        assert name.endswith(".csv")
        assert "93.2000" in body.decode("utf-8-sig")
    with pytest.raises(DomainError, match="total_missing"):
        suppliers.answer_statement(supplier, one.id, agrees=False, total=None, comment="", who="x")
    with pytest.raises(DomainError, match="statement_unknown"):
        suppliers.answer_statement(other, one.id, agrees=True, total=None, comment="", who="x")
    suppliers.answer_statement(
        supplier, one.id, agrees=False, total=95_0000, comment="少一笔", who="王海"
    )
    with supplier_scope(supplier):
        again = suppliers.statement(supplier, one.id)
        assert (again.state, again.difference) == ("disputed", 1_8000)
    suppliers.answer_statement(supplier, one.id, agrees=True, total=None, comment="", who="王海")
    with pytest.raises(Conflict, match="statement_confirmed"):
        suppliers.answer_statement(
            supplier, one.id, agrees=False, total=1, comment="又变了", who="王海"
        )


def test_R9_a_bill_leaves_a_worklist_of_four_classes(trade: Any) -> None:
    from kameng.suppliers.domain.bills import Line

    supplier = trade.active()
    numbers = [trade.bought(supplier)[1] for _n in range(4)]
    back_dated(trade, supplier, 40)
    theirs = {
        numbers[0]: Line(93_2000), numbers[1]: Line(95_0000), numbers[2]: Line(93_2000, False),
        "STRANGE": Line(5_0000), "FAILED": Line(5_0000, False),
    }  # fmt: skip
    with main_scope(reason="test"):
        suppliers.draw_up_due()
        (one,) = [s for s in suppliers.statements_of(supplier) if s.lines]
        compared = suppliers.compare_bill(supplier, one.id, theirs, "staff:1")
        assert {d.kind for d in compared.differences} == {
            "amount", "state", "only_ours", "only_theirs",
        }  # fmt: skip
        assert (compared.opened, compared.total) == (4, 93_2000 + 95_0000 + 5_0000)
        work = suppliers.disputes_of(supplier, statement_id=one.id)
        assert {d.kind for d in work} == {"cost", "statement"}
        assert {d.purchase_no for d in work} == {*numbers[1:], ""}
        words = [suppliers.messages_of(supplier, d.id)[0].words for d in work]
        assert any("金额不一致" in w and "95.0000" in w for w in words)
        assert suppliers.compare_bill(supplier, one.id, theirs, "staff:1").opened == 0
        good = {number: Line(93_2000) for number in numbers}
        compared = suppliers.compare_bill(supplier, one.id, good, "staff:1")
        assert (len(compared.differences), compared.closed) == (0, 4)
        assert suppliers.statement(supplier, one.id).difference == 0


def test_R9_a_bill_that_cannot_be_read_names_the_line(trade: Any) -> None:
    rows = [(1, ["采购单号", "金额"]), (2, ["P1", "1.00"]), (3, ["P1", "2.5", "成功"])]
    assert trade
    assert suppliers.read_bill(rows)["P1"].amount == 3_5000
    with pytest.raises(DomainError, match="bill_invalid"):
        suppliers.read_bill([*rows, (4, ["P2", "x"])])
    with pytest.raises(DomainError, match="bill_empty"):
        suppliers.read_bill([])
