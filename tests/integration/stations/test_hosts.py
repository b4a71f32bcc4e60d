"""How long a process believes whose a host is, and what makes it ask again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from kameng import epoch
from kameng.db import db, main_scope
from kameng.stations import api as stations
from kameng.stations.services import hosts

HOST = "lasting.localhost"


class Clock:
    """The clock of hosts and marks."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(scope="module", autouse=True)
def station(app: Flask) -> None:
    with app.app_context(), main_scope(reason="test"):
        stations.create_main_station("卡盟主站")
        db.session.execute(
            text("INSERT INTO host(host, station_id, kind) VALUES (:host, 1, 'custom')"),
            {"host": HOST},
        )
        db.session.commit()


@pytest.fixture
def clock(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(hosts, "time", made)
    monkeypatch.setattr(epoch, "time", made)
    with app.app_context():
        stations.forget_hosts()
        yield made
        rename("卡盟主站")
        stations.forget_hosts()


def rename(name: str) -> None:
    """As another process would: this one has heard nothing."""
    with main_scope(reason="test"):
        db.session.execute(text("UPDATE station SET name = :name WHERE id = 1"), {"name": name})
        db.session.commit()


def name_now() -> str:
    found = stations.resolve_host(HOST)
    assert found is not None
    return found.name


def test_without_a_word_of_the_mark_an_answer_is_good_for_seconds(clock: Clock) -> None:
    assert name_now() == "卡盟主站"
    rename("新名")
    clock.now += hosts.FRESH_S
    assert name_now() == "卡盟主站"
    clock.now += 0.1
    assert name_now() == "新名"


def test_it_lasts_while_the_mark_stands_and_is_heard(clock: Clock) -> None:
    epoch.current()
    assert name_now() == "卡盟主站"
    rename("新名")
    clock.now += hosts.FRESH_S + 1
    epoch.current()
    assert name_now() == "卡盟主站"  # nobody has said that anything changed
    clock.now += hosts.ASKED_S
    assert name_now() == "新名"  # the mark may have been renewed since it was heard


def test_it_does_not_last_for_ever(clock: Clock) -> None:
    epoch.current()
    assert name_now() == "卡盟主站"
    rename("新名")
    clock.now += hosts.KEPT_S + 0.1
    epoch.current()
    assert name_now() == "新名"


def test_a_change_in_another_process_counts_when_its_mark_is_heard(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch.current()
    assert name_now() == "卡盟主站"
    with monkeypatch.context() as elsewhere, main_scope(reason="test"):
        elsewhere.setattr(hosts, "_cache", hosts._HostCache())
        stations.update_profile(1, name="别处改的")
    clock.now += hosts.FRESH_S + 0.1
    assert name_now() == "别处改的"  # the mark that came with it is not heard
    epoch.current()
    clock.now += hosts.FRESH_S + 0.1
    epoch.current()
    assert name_now() == "别处改的"


def test_a_change_between_hearing_and_reading_is_not_missed(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch.current()
    look_up = hosts._look_up

    def changed_meanwhile(name: str) -> stations.StationInfo | None:
        found = look_up(name)
        rename("新名")
        epoch.renew()
        epoch.current()
        return found

    monkeypatch.setattr(hosts, "_look_up", changed_meanwhile)
    assert name_now() == "卡盟主站"
    monkeypatch.setattr(hosts, "_look_up", look_up)
    clock.now += hosts.FRESH_S + 0.1
    epoch.current()
    assert name_now() == "新名"
