"""S2, R2: people of a supplier get in with an invitation, a password and a code, and no other way."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

from kameng.db import main_scope, supplier_scope
from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.suppliers import api as suppliers

from .conftest import PASSWORD


def entered(trade: Any, supplier: int) -> suppliers.Person:
    return suppliers.accept_invitation(trade.invitation(supplier), PASSWORD)


def test_an_invitation_works_once(trade: Any) -> None:
    supplier = trade.active()
    token = trade.invitation(supplier)
    assert suppliers.invited(token).supplier_id == supplier
    with pytest.raises(identity.PasswordRefused):
        suppliers.accept_invitation(token, "12345678")
    person = suppliers.accept_invitation(token, PASSWORD)
    assert not person.has_totp
    for bad in (token, f"{token}0", "1.2.3", "x", f"{person.id}.99999999999.00"):
        with pytest.raises(DomainError, match="invitation_invalid"):
            suppliers.accept_invitation(bad, PASSWORD)


def test_nobody_signs_in_before_the_invitation_was_used(trade: Any) -> None:
    supplier = trade.active(login="early-bird")
    for password in ("!", "", PASSWORD):
        with pytest.raises(identity.LoginRefused, match="login_failed"):
            suppliers.authenticate("early-bird", password)
    entered(trade, supplier)
    assert suppliers.authenticate("Early-Bird ", PASSWORD).supplier_id == supplier


def test_a_second_factor_is_asked_for_once_it_is_there_and_its_codes_work_once(trade: Any) -> None:
    supplier = trade.active()
    person = entered(trade, supplier)
    secret = identity.new_second_factor()
    with pytest.raises(identity.LoginRefused, match="totp_failed"):
        suppliers.enrol(person, secret, "000000", PASSWORD)
    with pytest.raises(identity.LoginRefused, match="confirm_failed"):
        suppliers.enrol(person, secret, pyotp.TOTP(secret).now(), "wrong")
    code = pyotp.TOTP(secret).now()
    enrolled = suppliers.enrol(person, secret, code, PASSWORD)
    assert enrolled.has_totp
    assert enrolled.mark != person.mark  # sessions from before are over
    with pytest.raises(identity.LoginRefused, match="totp_required"):
        suppliers.authenticate(person.login, PASSWORD)
    with pytest.raises(identity.LoginRefused, match="totp_failed"):
        suppliers.authenticate(person.login, PASSWORD, code)  # used for enrolling
    trade.shop.plant(f"UPDATE supplier_user SET totp_last_step = 0 WHERE id = {person.id}")
    assert suppliers.authenticate(person.login, PASSWORD, code).id == person.id
    with main_scope(reason="test"):
        suppliers.reset_second_factor(supplier, person.id, "staff:1")
    assert not suppliers.authenticate(person.login, PASSWORD).has_totp


def test_ten_wrong_tries_lock_the_name(trade: Any) -> None:
    supplier = trade.active()
    person = entered(trade, supplier)
    for _n in range(10):
        with pytest.raises(identity.LoginRefused, match="login_failed"):
            suppliers.authenticate(person.login, "wrong")
    with pytest.raises(identity.LoginRefused, match="login_locked"):
        suppliers.authenticate(person.login, PASSWORD)


def test_a_new_password_ends_sessions_and_a_closed_supplier_lets_nobody_in(trade: Any) -> None:
    supplier = trade.active()
    person = entered(trade, supplier)
    changed = suppliers.change_password(person, PASSWORD, "another-pass-2026")
    assert changed.mark != person.mark
    with main_scope(reason="test"):
        suppliers.set_state(supplier, "closed", "结束合作", "staff:1")
    assert suppliers.find_person(supplier, person.id) is None
    with pytest.raises(identity.LoginRefused, match="login_failed"):
        suppliers.authenticate(person.login, "another-pass-2026")


def test_a_person_is_found_at_the_own_supplier_alone(trade: Any) -> None:
    one, other = trade.active(), trade.active()
    person = entered(trade, one)
    assert suppliers.find_person(one, person.id) is not None
    assert suppliers.find_person(other, person.id) is None
    with supplier_scope(other):
        assert suppliers.people_of(one) == []


def test_all_that_is_sealed_moves_to_a_new_master_key(trade: Any) -> None:
    supplier = trade.active()
    person = entered(trade, supplier)
    secret = identity.new_second_factor()
    suppliers.enrol(person, secret, pyotp.TOTP(secret).now(), PASSWORD)
    key_id, _secret = suppliers.make_key(supplier, "boss")
    before = trade.shop.one("SELECT sealed FROM supplier_key WHERE key_id = %s", key_id)
    with main_scope(reason="test"):
        assert suppliers.reseal_all() >= 3  # a licence, a key, a second factor
    assert bytes(
        trade.shop.one("SELECT sealed FROM supplier_key WHERE key_id = %s", key_id)
    ) != bytes(before)
    with main_scope(reason="test"):
        paper = suppliers.documents_of(supplier)[0]
        assert suppliers.open_document(supplier, paper.id, "staff:1")[0] == "image/png"
