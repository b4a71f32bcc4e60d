"""Staff, members, roles and the trail on a real database (T7)."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask

from kameng import runtime
from kameng.db import db, main_scope, station_scope
from kameng.errors import Conflict, DomainError, Forbidden, NotFound
from kameng.identity import api as identity
from kameng.settings import Settings

PASSWORD = "correct-horse-9"


@pytest.fixture(scope="module", autouse=True)
def two_stations(app: Flask, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO station(id, parent_id, path, slug, name, state) VALUES"
            " (1, NULL, '{1}', 'main', '卡盟', 'active'),"
            " (7, 1, '{1,7}', 'alpha', '甲店', 'active'), (8, 1, '{1,8}', 'beta', '乙店', 'active')"
        )
    with app.app_context(), main_scope(reason="test"):
        for station_id in (1, 7, 8):
            identity.seed_roles(station_id)
        db.session.commit()


def hire(login: str, station_id: int = 1, role: str = "support") -> tuple[int, str]:
    with main_scope(reason="test"):
        return identity.create_staff(station_id, login, "客服小王", PASSWORD, role)


def code_for(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(time.time() + 30 * steps)


def test_T7_staff_log_in_with_password_and_code(app: Flask) -> None:
    with app.app_context():
        number, secret = hire("wang")
        with main_scope(reason="console"):
            with pytest.raises(identity.LoginRefused) as first_step:
                identity.authenticate_staff("wang", PASSWORD)
            assert first_step.value.code == "totp_required"
            found = identity.authenticate_staff(" WANG ", PASSWORD, code_for(secret), "1.2.3.4")
    assert (found.id, found.role_code) == (number, "support")
    assert "order.view" in found.permissions
    assert "ledger.adjust" not in found.permissions


def test_T7_a_code_works_once_even_at_the_same_moment(app: Flask) -> None:
    with app.app_context():
        _number, secret = hire("once")

    def attempt(_number: int) -> bool:
        with app.app_context(), main_scope(reason="console"):
            try:
                identity.authenticate_staff("once", PASSWORD, code)
            except identity.LoginRefused:
                return False
            return True

    code = code_for(secret)
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 1


def test_T7_an_earlier_code_is_worthless_after_a_later_one(app: Flask) -> None:
    with app.app_context():
        _number, secret = hire("order")
        with main_scope(reason="console"):
            identity.authenticate_staff("order", PASSWORD, code_for(secret, 1))
            with pytest.raises(identity.LoginRefused):
                identity.authenticate_staff("order", PASSWORD, code_for(secret))


@pytest.mark.parametrize("steps", [-3, 3])
def test_codes_outside_the_window_are_refused(app: Flask, steps: int) -> None:
    with app.app_context():
        login = f"window{steps + 10}"
        _number, secret = hire(login)
        with main_scope(reason="console"), pytest.raises(identity.LoginRefused):
            identity.authenticate_staff(login, PASSWORD, code_for(secret, steps))


def test_ten_failures_lock_a_name_known_or_not(app: Flask) -> None:
    with app.app_context():
        _number, secret = hire("locked")
        for login in ("locked", "nobody-here"):
            with main_scope(reason="console"):
                for _try in range(10):
                    with pytest.raises(identity.LoginRefused) as refused:
                        identity.authenticate_staff(login, "wrong-password")
                    assert refused.value.code == "login_failed"
                with pytest.raises(identity.LoginRefused) as refused:
                    identity.authenticate_staff(login, PASSWORD, code_for(secret))
                assert refused.value.code == "login_locked"


def test_the_second_factor_is_sealed(app: Flask, owner: psycopg.Connection) -> None:
    with app.app_context():
        number, secret = hire("sealed")
    row = owner.execute("SELECT totp_secret FROM staff WHERE id = %s", (number,)).fetchone()
    assert row is not None
    assert secret.encode() not in bytes(row[0])


def test_a_swapped_secret_of_a_colleague_does_not_open(
    app: Flask, owner: psycopg.Connection
) -> None:
    with app.app_context():
        _one, secret = hire("swap-one")
        two, _secret = hire("swap-two")
        owner.execute(
            "UPDATE staff SET totp_secret ="
            " (SELECT totp_secret FROM staff WHERE login = 'swap-one') WHERE id = %s",
            (two,),
        )
        with main_scope(reason="console"), pytest.raises(identity.LoginRefused) as refused:
            identity.authenticate_staff("swap-two", PASSWORD, code_for(secret))
        assert refused.value.code == "totp_failed"


def test_a_second_factor_survives_a_change_of_the_master_key(
    app: Flask, settings: Settings
) -> None:
    newer = base64.b64encode(b"another master key of 32 bytes!!").decode()
    with app.app_context():
        _number, secret = hire("rotated")
        for step, previous, works in ((0, settings.master_key, True), (1, "", False)):
            changed = replace(settings, master_key=newer, master_key_previous=previous)
            app.extensions[runtime.KEY] = changed
            try:
                with main_scope(reason="console"):
                    identity.authenticate_staff("rotated", PASSWORD, code_for(secret, step))
                    assert works
            except identity.LoginRefused:
                assert not works
            finally:
                app.extensions[runtime.KEY] = settings


def test_a_station_owner_works_at_the_own_station_only(app: Flask) -> None:
    with app.app_context():
        hire("boss", 7, "owner")
        with station_scope(7):
            assert identity.authenticate_staff("boss", PASSWORD).permissions == {"*"}
            with pytest.raises(PermissionError):
                identity.create_staff(8, "spy", "间谍", PASSWORD, "owner")
        with station_scope(8), pytest.raises(identity.LoginRefused):
            identity.authenticate_staff("boss", PASSWORD)


def test_the_same_login_at_two_stations_is_two_accounts(app: Flask) -> None:
    with app.app_context():
        hire("twin", 7, "clerk")
        hire("twin", 8, "clerk")
        with pytest.raises(Conflict):
            hire("twin", 8, "clerk")


def test_staff_who_left_are_out_at_once(app: Flask) -> None:
    with app.app_context():
        number, _secret = hire("leaver")
        with main_scope(reason="test"):
            assert identity.find_staff(1, number) is not None
            identity.set_staff_state(1, number, "left", "staff:1")
            assert identity.find_staff(1, number) is None


def test_T7_staff_who_left_do_not_come_in_again(app: Flask) -> None:
    with app.app_context():
        number, secret = hire("gone")
        with main_scope(reason="test"):
            identity.set_staff_state(1, number, "left", "staff:1")
            with pytest.raises(identity.LoginRefused) as refused:
                identity.authenticate_staff("gone", PASSWORD, code_for(secret))
    assert refused.value.code == "login_failed"


def test_T7_nobody_at_the_main_station_comes_in_without_a_second_factor(app: Flask) -> None:
    with app.app_context(), main_scope(reason="test"):
        identity.create_staff(1, "bare", "小裸", PASSWORD, "support", with_totp=False)
        with pytest.raises(identity.LoginRefused) as refused:
            identity.authenticate_staff("bare", PASSWORD)
    assert refused.value.code == "totp_not_enrolled"


def test_T7_who_is_asked_again_needs_the_password(app: Flask) -> None:
    with app.app_context():
        number, secret = hire("again")
        with main_scope(reason="test"):
            with pytest.raises(identity.LoginRefused) as refused:
                identity.confirm_staff(1, number, "wrong-password", code_for(secret))
            assert refused.value.code == "confirm_failed"
            identity.confirm_staff(1, number, PASSWORD, code_for(secret))


def test_T7_a_member_needs_the_right_password_and_ten_wrong_ones_lock(app: Flask) -> None:
    login = "13700000009"
    with app.app_context(), station_scope(7):
        number = identity.register_member(login, PASSWORD)
        with pytest.raises(identity.LoginRefused) as refused:
            identity.confirm_member(number, "wrong-password")
        assert refused.value.code == "confirm_failed"
        identity.confirm_member(number, PASSWORD)
        for _try in range(9):
            with pytest.raises(identity.LoginRefused) as refused:
                identity.authenticate_member(login, "wrong-password")
            assert refused.value.code == "login_failed"
        with pytest.raises(identity.LoginRefused) as refused:
            identity.authenticate_member(login, PASSWORD)
        assert refused.value.code == "login_locked"


def test_members_register_and_log_in_at_one_station(app: Flask) -> None:
    with app.app_context():
        with station_scope(7):
            number = identity.register_member("Lin@Example.com", PASSWORD, " 小 林 ")
            found = identity.authenticate_member("lin@example.COM", PASSWORD)
            assert (found.id, found.name, found.level) == (number, "小 林", "normal")
            with pytest.raises(Conflict):
                identity.register_member("lin@example.com", PASSWORD)
        with station_scope(8):
            assert identity.find_member(number) is None
            with pytest.raises(identity.LoginRefused):
                identity.authenticate_member("lin@example.com", PASSWORD)


@pytest.mark.parametrize("login", ["", "x", "a@b", "张三", "1" * 40, "a b@c.com", "<a@b.com>"])
def test_a_member_login_is_an_email_or_a_phone(app: Flask, login: str) -> None:
    with app.app_context(), station_scope(7), pytest.raises(DomainError) as refused:
        identity.register_member(login, PASSWORD)
    assert refused.value.code == "login_invalid"


@pytest.mark.parametrize("password", ["short", "12345678", "aaaaaaaaaa", "p" * 200, "13900001111"])
def test_weak_passwords_are_refused(app: Flask, password: str) -> None:
    with app.app_context(), station_scope(7), pytest.raises(identity.PasswordRefused):
        identity.register_member("13900001111", password)


def test_a_password_change_alters_the_credential_mark(app: Flask) -> None:
    with app.app_context(), station_scope(7):
        number = identity.register_member("13700000001", PASSWORD)
        before = identity.get_member(number).credential_mark
        with pytest.raises(identity.LoginRefused):
            identity.change_password(number, "wrong-one", "another-horse-9")
        identity.change_password(number, PASSWORD, "another-horse-9")
        assert identity.get_member(number).credential_mark != before
        assert identity.authenticate_member("13700000001", "another-horse-9").id == number


def test_old_hashes_are_renewed_at_login(app: Flask, owner: psycopg.Connection) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with app.app_context(), station_scope(7):
        number = identity.register_member("13700000002", PASSWORD)
        owner.execute("UPDATE member SET password_hash = %s WHERE id = %s", (weak, number))
        identity.authenticate_member("13700000002", PASSWORD)
    row = owner.execute("SELECT password_hash FROM member WHERE id = %s", (number,)).fetchone()
    assert row is not None
    assert "m=19456" in row[0]


def test_a_locked_member_is_a_stranger(app: Flask) -> None:
    with app.app_context(), station_scope(7):
        number = identity.register_member("13700000003", PASSWORD)
        identity.set_member_state(number, "locked", "staff:1", reason="盗刷")
        assert identity.find_member(number) is None
        with pytest.raises(identity.LoginRefused) as refused:
            identity.authenticate_member("13700000003", PASSWORD)
        assert refused.value.code == "login_failed"


def test_members_are_searched_within_the_station(app: Flask) -> None:
    with app.app_context():
        with station_scope(8):
            identity.register_member("13600000001", PASSWORD, "阿强")
            found, total = identity.list_members("阿")
            assert ([view.name for view in found], total) == (["阿强"], 1)
            assert identity.list_members("%")[1] == 0
        with station_scope(7):
            assert identity.list_members("阿强")[1] == 0


def test_the_trail_is_masked_and_only_grows(app: Flask) -> None:
    with app.app_context(), station_scope(7):
        identity.audit("staff:1", "card.reveal", "order:5", {"phone": "13812345678", "token": "t"})
        db.session.commit()
        [line] = identity.audit_trail("order:5")
        assert line.detail == {"phone": "138****5678", "token": "***"}
        with pytest.raises(Exception, match="permission denied"):
            db.session.connection().exec_driver_sql("DELETE FROM audit_event")


def test_roles_are_templates_plus_own_ones(app: Flask) -> None:
    with app.app_context(), main_scope(reason="test"):
        assert {role.code for role in identity.list_roles(1)} >= {"admin", "finance", "risk"}
        assert {role.code for role in identity.list_roles(7)} == {"owner", "clerk"}
        identity.save_role(1, "night", "夜班", ["order.view"], "staff:1")
        assert identity.permissions_of("night", 1) == {"order.view"}
        with pytest.raises(DomainError):
            identity.save_role(1, "admin", "改名", [], "staff:1")
        with pytest.raises(DomainError):
            identity.save_role(1, "odd", "怪", ["no.such"], "staff:1")
        with pytest.raises(NotFound):
            identity.create_staff(1, "who", "谁", PASSWORD, "no-role")


def test_T7_who_manages_colleagues_cannot_make_themselves_more_than_they_are(app: Flask) -> None:
    with app.app_context(), main_scope(reason="test"):
        identity.save_role(1, "people", "人事", ["staff.view", "staff.manage"], "system")
        chief, _ = identity.create_staff(1, "the-chief", "总管", PASSWORD, "admin")
        clerk, _ = identity.create_staff(1, "people-one", "人事甲", PASSWORD, "people")
        equal, _ = identity.create_staff(1, "people-two", "人事乙", PASSWORD, "people")
        actor = f"staff:{clerk}"
        beyond: list[Callable[[], object]] = [
            lambda: identity.create_staff(1, "puppet", "傀儡", PASSWORD, "admin", actor=actor),
            lambda: identity.set_staff_role(1, equal, "finance", actor),
            lambda: identity.set_staff_role(1, chief, "people", actor),
            lambda: identity.set_staff_state(1, chief, "locked", actor),
            lambda: identity.reset_totp(1, chief, actor),
            lambda: identity.save_role(1, "people", "人事", ["staff.manage", "ledger.adjust"], actor),
            lambda: identity.save_role(1, "people", "人事", ["staff.manage"], "staff:999999"),
        ]  # fmt: skip
        for deed in beyond:
            with pytest.raises(Forbidden, match="beyond_own_rights"):
                deed()
            db.session.rollback()
        identity.set_staff_state(1, equal, "locked", actor)
        identity.create_staff(1, "people-three", "人事丙", PASSWORD, "people", actor=actor)
        identity.set_staff_state(1, clerk, "locked", f"staff:{chief}")


def test_T7_a_code_opens_one_of_many_logins_at_once(app: Flask) -> None:
    with app.app_context():
        _number, secret = hire("racer")
    code = code_for(secret)

    def log_in(_n: int) -> str:
        with app.app_context(), main_scope(reason="console"):
            try:
                identity.authenticate_staff("racer", PASSWORD, code)
            except identity.LoginRefused as refused:
                return refused.code
            return "in"

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(log_in, range(6)))
    assert sorted(results) == ["in"] + ["totp_failed"] * 5


def test_T7_a_new_second_factor_ends_the_sessions_of_the_account(app: Flask) -> None:
    with app.app_context():
        number, _secret = hire("phone-lost")
        with main_scope(reason="test"):
            before = identity.find_staff(1, number)
            identity.reset_totp(1, number, "system")
            after = identity.find_staff(1, number)
    assert before is not None
    assert after is not None
    assert before.credential_mark != after.credential_mark
