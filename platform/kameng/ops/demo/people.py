"""The demo's people: staff, three stations with their owners, members with money."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from kameng.db import db, main_scope, station_scope
from kameng.identity import api as identity
from kameng.openapi import api as openapi
from kameng.stations import api as stations

MAIN_CONTACT = {
    "email": "help@main.localhost",
    "hours": "09:00–24:00",
    "icp": "演示环境，未备案",
    "licence": "演示环境，无许可证",
}
STAFF = (
    ("admin", "林知夏", "admin"),
    ("finance", "周予安", "finance"),
    ("support", "陈小满", "support"),
    ("risk", "顾明远", "risk"),
    ("buyer", "何青禾", "purchasing"),
)
STATIONS: tuple[tuple[str, str, str, str, str, dict[str, str]], ...] = (
    ("jiangnan", "江南数卡", "qing", "每张卡都有来处", "gold", {"accent": "#8a3b12"}),
    ("yehang", "夜航电玩", "ye", "深夜也有人在", "silver", {}),
    ("xiaolu", "小鹿充值", "su", "价格都写在纸上", "bronze", {}),
)


@dataclass(frozen=True, slots=True)
class DemoPeople:
    """Ids and logins of everyone who can do something."""

    station_ids: list[int]
    members: dict[int, list[int]]  # station → members
    logins: dict[str, Any]


def new_password() -> str:
    """Readable and new for every installation: the demo has no fixed passwords either."""
    return f"demo-{secrets.token_hex(4)}"


def create_main() -> dict[str, Any]:
    """Station 1 and its staff (opens its own scope); returns the administrator's login."""
    with main_scope(reason="demo"):
        stations.create_main_station(
            "晴选数卡", tagline="主站直营，付完即发", theme="qing", contact=MAIN_CONTACT,
            notice="演示环境：收银台是模拟的，不会真的扣钱",
        )  # fmt: skip
        db.session.commit()
        shown: dict[str, Any] = {}
        for login, name, role in STAFF:
            password = new_password()
            _id, secret = identity.create_staff(1, login, name, password, role, with_totp=True)
            account = {"login": login, "password": password, "totp_secret": secret}
            shown.setdefault("staff", account)
            shown.setdefault("staff_all", []).append({**account, "role": role})
    return shown


def create_stations() -> list[tuple[int, dict[str, Any]]]:
    """Three stations, each by sign-up and review like any other; (id, owner's login)."""
    opened = []
    for slug, name, theme, tagline, grade, look in STATIONS:
        login, password = f"owner-{slug}", new_password()
        applicant = {
            "name": "演示店长", "email": f"owner@{slug}.localhost", "phone": "13800136021",
            "subject_kind": "company", "licence_number": "91330000DEMO00000X", "plan": "演示数据",
        }  # fmt: skip
        form = stations.apply_station(slug, name, theme, applicant, login, password)
        with main_scope(reason="demo"):
            station_id = stations.approve_application(form.id, "staff:1")
            stations.set_grade(station_id, grade, "staff:1")
            stations.update_profile(station_id, tagline=tagline, theme_settings=look)
        opened.append((station_id, {"login": login, "password": password}))
    return opened


def leave_application() -> None:
    """Somebody waits for a review."""
    applicant = {"name": "许晚舟", "email": "wanzhou@example.com", "phone": "13900136022",
                 "subject_kind": "person", "plan": "社群里卖视频会员"}  # fmt: skip
    stations.apply_station("wanzhou", "晚舟会员店", "su", applicant, "wanzhou", new_password())


def create_members(station_ids: list[int]) -> tuple[dict[int, list[int]], dict[str, str]]:
    """Six members at each station; also the login of the first one of the main station."""
    found: dict[int, list[int]] = {}
    shown: dict[str, str] = {}
    for station_id in station_ids:
        with station_scope(station_id):
            for number in range(6):
                login = f"member{number + 1}@example.com"
                password = new_password()
                member_id = identity.register_member(login, password, f"会员 {number + 1}")
                found.setdefault(station_id, []).append(member_id)
                if station_id == 1 and number == 0:
                    shown = {"login": login, "password": password}
    return found, shown


def create_api_key(member_id: int) -> dict[str, str]:
    """A key of the main station's first member, so that programs can be tried at once."""
    with station_scope(1):
        key, secret = openapi.make_key(member_id, name="演示程序", actor="system:demo")
    return {"key": key, "secret": secret}
