"""From the sign-up form to a station that answers (M1)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from kameng.db import db, main_scope, station_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity import api as identity
from kameng.stations import api as stations

PERSON = {"name": "林小满", "phone": "13800001234", "email": "lin@example.com", "evil": "x"}


@pytest.fixture(scope="module", autouse=True)
def main_station(app: Flask) -> None:
    with app.app_context(), main_scope(reason="test"):
        stations.create_main_station("卡盟主站")
        stations.create_main_station("卡盟主站")  # safe to repeat


def apply(slug: str, name: str, **changes: object) -> stations.Application:
    form: dict[str, object] = {
        "theme": "qing",
        "applicant": PERSON,
        "owner_login": "Owner",
        "owner_password": "sesame-open-1",
        **changes,
    }
    return stations.apply_station(slug, name, **form)  # type: ignore[arg-type]  # test data


def test_M1_an_approved_application_is_a_live_station(
    app: Flask, owner: psycopg.Connection
) -> None:
    with app.app_context():
        made = apply("xiaoman", "小满点卡")
        assert stations.resolve_host("xiaoman.localhost") is None
        with main_scope(reason="test"):
            assert [view.id for view in stations.list_applications("submitted")] == [made.id]
            station_id = stations.approve_application(made.id, "staff:1")
        found = stations.resolve_host("XiaoMan.localhost:8000")
        assert found is not None
        assert (found.id, found.path, found.selling) == (station_id, (1, station_id), True)
        with station_scope(station_id):
            staff = identity.authenticate_staff("owner", "sesame-open-1")
            assert staff.permissions == {"*"}
        view = stations.application_status(made.number, made.code.upper())
        assert (view.state, view.opened_station_id) == ("approved", station_id)
    rule = owner.execute(
        "SELECT purpose, operation, value, rounding_step FROM price_rule WHERE station_id = %s",
        (station_id,),
    ).fetchone()
    assert rule == ("retail", "multiply", 10_800, 100)
    topics = owner.execute("SELECT payload FROM outbox WHERE topic = 'station.opened'").fetchall()
    assert ({"station_id": station_id},) in topics
    stored = owner.execute("SELECT applicant FROM station_application").fetchone()
    assert stored is not None
    assert "evil" not in stored[0]


def test_an_application_is_reviewed_once(app: Flask) -> None:
    with app.app_context():
        made = apply("twice-shop", "两次审核店")
        with main_scope(reason="test"):
            stations.approve_application(made.id, "staff:1")
            with pytest.raises(Conflict):
                stations.approve_application(made.id, "staff:2")
            with pytest.raises(Conflict):
                stations.reject_application(made.id, "staff:2", "太晚了")


def test_a_rejected_applicant_reads_the_reason_and_may_try_again(app: Flask) -> None:
    with app.app_context():
        made = apply("second-try", "再来一次")
        with main_scope(reason="test"):
            stations.reject_application(made.id, "staff:1", "请补充执照")
        view = stations.application_status(made.number, made.code)
        assert (view.state, view.reason) == ("rejected", "请补充执照")
        assert apply("second-try", "再来一次").number != made.number


@pytest.mark.parametrize(
    ("number", "code"), [("SA999999", "x"), ("", ""), ("SA'--", "x"), ("1", "")]
)
def test_the_review_is_followed_only_with_number_and_code(
    app: Flask, number: str, code: str
) -> None:
    with app.app_context(), pytest.raises(NotFound):
        stations.application_status(number, code)


@pytest.mark.parametrize(
    ("slug", "name", "code"),
    [
        ("gold", "<script>alert(1)</script>", "name_markup"),
        ("admin", "好店铺甲", "slug_reserved"),
        ("adm1n", "好店铺乙", "slug_reserved_look_alike"),
        ("xn--80ak6aa92e", "好店铺丙", "slug_punycode"),
        ("a--b", "好店铺丁", "slug_double_hyphen"),
        ("аpple", "好店铺戊", "slug_format"),
        ("g0ldshop", "好店铺己", "slug_look_alike"),
        ("gold-shop", "好店铺庚", "slug_look_alike"),
        ("goldshop", "好店铺辛", "slug_taken"),
        ("silvershop", "金 店", "name_taken"),
        ("silvershop", "主站直营", "name_impersonation"),
    ],
)
def test_bad_names_get_a_clear_message_and_leave_no_row(
    app: Flask, owner: psycopg.Connection, slug: str, name: str, code: str
) -> None:
    with app.app_context():
        if not owner.execute(
            "SELECT 1 FROM station_application WHERE slug = 'goldshop'"
        ).fetchone():
            apply("goldshop", "金店")
        before = owner.execute("SELECT count(*) FROM station_application").fetchone()
        with pytest.raises(DomainError) as refused:
            apply(slug, name)
        assert refused.value.code == code
        assert str(refused.value.message)
        assert refused.value.facts["field"] in ("slug", "name")
        assert owner.execute("SELECT count(*) FROM station_application").fetchone() == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"applicant": {"phone": "138"}}, "applicant_name"),
        ({"applicant": {"name": "林"}}, "phone"),
        ({"owner_login": "a b"}, "owner_login"),
        ({"owner_password": "123"}, "password"),
        ({"theme": "../etc"}, "theme"),
    ],
)
def test_an_incomplete_form_names_its_field(
    app: Flask, changes: dict[str, object], field: str
) -> None:
    with app.app_context(), pytest.raises(DomainError) as refused:
        apply("fine-slug", "合格店铺", **changes)
    assert refused.value.facts["field"] == field


def test_two_applicants_at_once_do_not_get_one_name(app: Flask) -> None:
    def attempt(slug: str) -> str:
        with app.app_context():
            try:
                return apply(slug, f"抢注{slug}").number
            except Conflict as refused:
                return refused.code

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, ["race0", "raceo", "race-0", "race-o"]))
    assert sum(result.startswith("SA") for result in results) == 1


def test_states_move_only_along_the_machine(app: Flask) -> None:
    with app.app_context():
        made = apply("stateful", "状态店")
        with main_scope(reason="test"):
            station_id = stations.approve_application(made.id, "staff:1")
            stations.set_state(station_id, "suspended", "staff:1", "投诉过多")
            assert stations.resolve_host("stateful.localhost").visible is False  # type: ignore[union-attr]
            with pytest.raises(Conflict):
                stations.set_state(station_id, "training", "staff:1")
            stations.set_state(station_id, "active", "staff:1")
            stations.set_state(station_id, "closed", "staff:1")
            with pytest.raises(Conflict):
                stations.set_state(station_id, "active", "staff:1")
            with pytest.raises(DomainError):
                stations.set_state(1, "closed", "staff:1")
            trail = identity.audit_trail(f"station:{station_id}", station_id=1)
        assert [line.action for line in trail][:3] == ["station.state"] * 3
        assert trail[-1].action == "station.approve"


def test_an_owner_changes_the_own_profile_only(app: Flask) -> None:
    with app.app_context():
        first = apply("profile-a", "资料甲店")
        second = apply("profile-b", "资料乙店")
        with main_scope(reason="test"):
            mine = stations.approve_application(first.id, "staff:1")
            other = stations.approve_application(second.id, "staff:1")
        with station_scope(mine):
            stations.update_profile(
                mine,
                name="资料新店",
                notice="今日不打烊",
                contact={"qq": "12345", "x": "y"},
                actor="staff:1",
            )
            with pytest.raises(Conflict):
                stations.update_profile(mine, name="资料乙店")
            db.session.rollback()
            with pytest.raises(NotFound):
                stations.update_profile(other, name="被改的店")
        found = stations.resolve_host("profile-a.localhost")
        assert found is not None
        assert (found.name, found.contact) == ("资料新店", {"qq": "12345"})


def test_the_tree_lists_parents_before_children(app: Flask) -> None:
    with app.app_context(), main_scope(reason="test"):
        listed = stations.tree()
        assert listed[0].id == 1
        assert {view.depth for view in listed[1:]} == {1}
        assert listed[0].host == "main.localhost"


def test_a_host_is_known_within_seconds_of_a_change(app: Flask) -> None:
    with app.app_context():
        assert stations.resolve_host("later.localhost") is None
        with main_scope(reason="test"):
            db.session.execute(
                text(
                    "INSERT INTO host(host, station_id, kind)"
                    " VALUES ('later.localhost', 1, 'custom')"
                )
            )
            db.session.commit()
        assert stations.resolve_host("later.localhost") is None  # remembered
        stations.forget_hosts()
        assert stations.resolve_host("later.localhost") is not None
        with main_scope(reason="test"):
            db.session.execute(
                text("UPDATE host SET active = false WHERE host = 'later.localhost'")
            )
            db.session.commit()
        stations.forget_hosts()
        assert stations.resolve_host("later.localhost") is None  # switched off
