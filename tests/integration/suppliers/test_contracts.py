"""S4: contracts are drafted, signed and ended; who has a SKU alone has it alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from kameng.db import db, main_scope, supplier_scope
from kameng.errors import Conflict, DomainError
from kameng.suppliers import api as suppliers

TODAY = date.today()
TERMS = suppliers.ContractTerms(
    terms="standard", valid_from=TODAY, valid_until=TODAY + timedelta(days=365),
    credit_limit=1000_0000, settlement_cycle="weekly", duty_contact="李值班",
    duty_phone="13900000000", duty_minutes=20,
)  # fmt: skip


def signed(supplier: int, terms: suppliers.ContractTerms, costs: dict[str, int]) -> int:
    number = suppliers.draft_contract(supplier, terms, "staff:1")
    suppliers.put_costs(supplier, number, costs, "staff:1")
    suppliers.sign_contract(supplier, number, "staff:1")
    return number


def test_S4_a_draft_is_signed_and_ended_and_only_one_runs(trade: Any) -> None:
    supplier = trade.active()
    with main_scope(reason="test"):
        first = signed(supplier, TERMS, {})
        with pytest.raises(Conflict, match="contract_signed"):
            suppliers.change_contract(supplier, first, TERMS, "staff:1")
        second = suppliers.draft_contract(supplier, TERMS, "staff:1")
        suppliers.change_contract(supplier, second, replace(TERMS, terms="priority"), "staff:1")
        with pytest.raises(Conflict, match="contract_running"):
            suppliers.sign_contract(supplier, second, "staff:1")
        suppliers.end_contract(supplier, first, "换新条款", "staff:1")
        suppliers.sign_contract(supplier, second, "staff:1")
        assert [one.state for one in suppliers.contracts_of(supplier)] == ["active", "ended"]
        with pytest.raises(Conflict, match="contract_over"):
            suppliers.end_contract(supplier, first, "再来一次", "staff:1")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"valid_until": TODAY - timedelta(days=1)}, "valid_until"),
        ({"duty_minutes": 0}, "duty_minutes"),
        ({"credit_limit": -1}, "credit_limit"),
        ({"terms": "sole"}, "terms"),
    ],
)
def test_S4_terms_that_cannot_be_are_named(trade: Any, change: dict[str, Any], field: str) -> None:
    supplier = trade.active()
    with main_scope(reason="test"), pytest.raises(suppliers.ContractRefused) as refused:
        suppliers.draft_contract(supplier, replace(TERMS, **change), "staff:1")
    assert refused.value.facts["field"] == field


def test_S4_an_exclusive_contract_keeps_others_from_the_same_sku_and_names_them(trade: Any) -> None:
    one, other = trade.active(name="独家甲"), trade.active(name="独家乙")
    code, free = trade.shop.sku("top_up"), trade.shop.sku("top_up")
    alone = replace(TERMS, terms="exclusive")
    with main_scope(reason="test"):
        signed(one, alone, {code: 93_0000})
        with pytest.raises(Conflict, match="exclusive_elsewhere") as refused:
            signed(other, alone, {code: 92_0000, free: 1_0000})
        assert "独家甲" in str(refused.value.message)
        db.session.rollback()
        later = replace(
            alone, valid_from=alone.valid_until + timedelta(days=1),
            valid_until=alone.valid_until + timedelta(days=9),
        )  # fmt: skip
        number = signed(other, later, {free: 1_0000})
        suppliers.put_costs(other, number, {code: 92_0000}, "staff:1")  # days do not meet
        assert {line.code: line.cost for line in suppliers.costs_of(other, number)} == {
            code: 92_0000, free: 1_0000,
        }  # fmt: skip
        suppliers.put_costs(other, number, {free: 2_0000}, "staff:1", whole=True)
        assert [line.cost for line in suppliers.costs_of(other, number)] == [2_0000]


def test_S4_a_running_exclusive_list_grows_only_where_it_is_free(trade: Any) -> None:
    one, other = trade.active(), trade.active()
    code = trade.shop.sku("top_up")
    alone = replace(TERMS, terms="exclusive")
    with main_scope(reason="test"):
        signed(one, alone, {code: 93_0000})
        number = signed(other, alone, {})
        with pytest.raises(Conflict, match="exclusive_elsewhere"):
            suppliers.put_costs(other, number, {code: 92_0000}, "staff:1")
        with pytest.raises(suppliers.ContractRefused, match="sku_unknown"):
            suppliers.put_costs(other, number, {"NOPE": 1}, "staff:1")


def test_S4_a_cost_sheet_is_read_line_by_line(trade: Any) -> None:
    assert trade
    costs, wrong = suppliers.read_cost_rows(
        [(1, ["code", "name", "cost"]), (2, ["A", "x", "1.2345"]), (3, ["B", "y", "abc"])]
    )
    assert costs == {"A": 1_2345}
    assert len(wrong) == 1


def test_S4_a_contract_that_ends_soon_is_told_once(trade: Any) -> None:
    supplier = trade.active()
    with main_scope(reason="test"):
        soon = replace(TERMS, valid_until=TODAY + timedelta(days=20))
        signed(supplier, soon, {})
        first = suppliers.watch_expiry()
        assert first >= 1
        assert suppliers.watch_expiry() == 0
        assert suppliers.watch_expiry(TODAY + timedelta(days=1)) == 0


def test_S1_a_licence_near_its_end_is_told_at_each_mark_and_mailed(trade: Any) -> None:
    supplier = trade.active(email="paper@example.com")
    trade.shop.plant(
        f"UPDATE supplier_document SET valid_until = '2031-06-30' WHERE supplier_id = {supplier}"
    )
    kinds = "SELECT kind FROM alert WHERE subject = %s AND state = 'open' AND kind LIKE 'paper%%'"
    with main_scope(reason="test"):
        for day, mark in ((date(2031, 5, 1), None), (date(2031, 6, 1), 30), (date(2031, 6, 25), 7),
                          (date(2031, 6, 26), 7), (date(2031, 7, 1), 0)):  # fmt: skip
            suppliers.watch_expiry(day)
            found = trade.shop.one(kinds, f"supplier:{supplier}")
            assert found == (mark if mark is None else f"paper_business_licence_{mark}")
        mails = "SELECT count(*) FROM notice WHERE recipient = 'paper@example.com' AND kind = 'supplier.paper'"
        assert trade.shop.one(mails) == 3
        suppliers.hand_in(supplier, "business_licence", "", "", b"%PDF-1.7 new")
        trade.licensed_new(supplier, date(2035, 1, 1))
        suppliers.watch_expiry(date(2031, 7, 1))
        assert trade.shop.one(kinds, f"supplier:{supplier}") is None


def test_S4_a_supplier_reads_its_own_contract(trade: Any) -> None:
    one, other = trade.active(), trade.active()
    with main_scope(reason="test"):
        number = signed(one, TERMS, {})
    with supplier_scope(one):
        assert suppliers.contract(one, number).duty_contact == "李值班"
        assert suppliers.contracts_of(other) == []
    with supplier_scope(other), pytest.raises(DomainError, match="contract_unknown"):
        suppliers.contract(one, number)
