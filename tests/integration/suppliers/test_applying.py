"""S1, S2, S3: an applicant hands papers in; staff look at them and decide, and every look is kept."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.suppliers import api as suppliers

from .conftest import FORM, PNG


def refusal(form: dict[str, str], files: list[Any]) -> dict[str, str]:
    with pytest.raises(suppliers.ApplicationRefused) as refused:
        suppliers.apply(form, files)
    errors: dict[str, str] = refused.value.facts["errors"]
    return errors


def test_S1_an_application_lies_sealed_until_somebody_decides(trade: Any) -> None:
    supplier = trade.applied(email="one@example.com")
    sealed = trade.shop.one("SELECT sealed FROM supplier_document WHERE supplier_id=%s", supplier)
    assert PNG[:8] not in bytes(sealed)
    with main_scope(reason="test"):
        assert suppliers.supplier(supplier).state == "applied"
        paper = suppliers.documents_of(supplier)[0]
        assert (paper.kind, paper.state, paper.media_type) == (
            "business_licence", "submitted", "image/png",
        )  # fmt: skip
        assert suppliers.open_document(supplier, paper.id, "staff:1") == ("image/png", PNG)
        with pytest.raises(NotFound):
            suppliers.open_document(supplier + 1, paper.id, "staff:1")
    assert trade.shop.one(
        "SELECT count(*) FROM audit_event WHERE action = 'supplier.document_open' AND subject = %s",
        f"supplier:{supplier}",
    ) == 1  # fmt: skip


def test_S1_all_mistakes_are_said_at_once(trade: Any) -> None:
    wrong = refusal({**FORM, "phone": "x", "email": "x", "legal_name": ""}, [])
    assert set(wrong) == {"phone", "email", "legal_name", "business_licence"}
    exe = suppliers.Upload("business_licence", "", b"MZ" + PNG)
    big = suppliers.Upload("identity", "", PNG + bytes(suppliers.MAX_FILE))
    wrong = refusal(FORM, [exe, big])
    assert set(wrong) == {"business_licence", "identity"}
    assert trade.shop.one("SELECT count(*) FROM supplier WHERE legal_name = ''") <= 1


@pytest.mark.parametrize(
    "about", ["主营 U S D T 场外兑换", "比 特 币矿机算力", "we sell ＢＴＣ cards"]
)
def test_S3_crypto_assets_are_refused_and_the_word_is_named(trade: Any, about: str) -> None:
    wrong = refusal({**FORM, "about": about}, [suppliers.Upload("business_licence", "", PNG)])
    assert set(wrong) == {"about"}
    assert "加密资产" in wrong["about"]


def test_S1_the_same_company_does_not_apply_twice(trade: Any) -> None:
    trade.applied(legal_name="重复科技有限公司")
    wrong = refusal(
        {**FORM, "legal_name": "重复科技有限公司"}, [suppliers.Upload("business_licence", "", PNG)]
    )
    assert set(wrong) == {"legal_name"}


def test_S2_nobody_is_taken_on_without_a_licence(trade: Any) -> None:
    supplier = trade.applied()
    with main_scope(reason="test"):
        with pytest.raises(DomainError, match="licence_missing"):
            suppliers.approve(supplier, "early", "staff:1")
        db.session.rollback()
        paper = suppliers.documents_of(supplier)[0].id
        with pytest.raises(DomainError, match="reason_missing"):
            suppliers.review(
                supplier, paper, approve=False, reason="", valid_until=None, number="",
                issued_by="", actor="staff:1",
            )  # fmt: skip
        suppliers.review(
            supplier, paper, approve=True, reason="", valid_until=date(2020, 1, 1), number="",
            issued_by="", actor="staff:1",
        )  # fmt: skip
        with pytest.raises(DomainError, match="licence_missing"):  # it is over already
            suppliers.approve(supplier, "early", "staff:1")


def test_S2_who_is_taken_on_gets_a_link_and_delivers_by_hand(trade: Any) -> None:
    supplier = trade.active(login="jianghai")
    assert trade.shop.one(
        "SELECT plugin_id FROM supply_connection WHERE supplier_id = %s", supplier
    ) == "supplier-manual"  # fmt: skip
    assert trade.invitation(supplier).count(".") == 2
    with main_scope(reason="test"), pytest.raises(Conflict, match="decided"):
        suppliers.approve(supplier, "again", "staff:1")


def test_S2_who_is_turned_away_reads_why(trade: Any) -> None:
    supplier = trade.applied(email="no@example.com")
    with main_scope(reason="test"):
        suppliers.refuse(supplier, "授权书不全", "staff:1")
        assert suppliers.supplier(supplier).state == "refused"
    body = trade.shop.one("SELECT body FROM notice WHERE recipient = 'no@example.com'")
    assert "授权书不全" in body


def test_S2_a_supplier_is_paused_resumed_and_closed_with_reasons(trade: Any) -> None:
    supplier = trade.active()
    with main_scope(reason="test"):
        with pytest.raises(DomainError, match="reason_missing"):
            suppliers.set_state(supplier, "paused", "", "staff:1")
        for state in ("paused", "active", "closed"):
            suppliers.set_state(supplier, state, "试一下", "staff:1")
            assert suppliers.supplier(supplier).state == state
        with pytest.raises(Conflict):
            suppliers.set_state(supplier, "active", "试一下", "staff:1")
        desk = db.session.scalar(text("SELECT id FROM supplier WHERE code = 'desk'"))
        with pytest.raises(Conflict, match="internal"):
            suppliers.set_state(desk, "paused", "试一下", "staff:1")


def test_S2_a_fixed_grade_stays_until_it_is_given_back(trade: Any) -> None:
    supplier = trade.active()
    with main_scope(reason="test"):
        suppliers.fix_grade(supplier, "A", "老伙伴", "staff:1")
        one = suppliers.supplier(supplier)
        assert (one.grade, one.grade_fixed) == ("A", True)
        suppliers.fix_grade(supplier, "", "按评分", "staff:1")
        one = suppliers.supplier(supplier)
        assert (one.grade, one.grade_fixed) == ("A", False)
        with pytest.raises(DomainError, match="grade_unknown"):
            suppliers.fix_grade(supplier, "E", "不存在", "staff:1")
