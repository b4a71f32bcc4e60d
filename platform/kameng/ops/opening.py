"""`kameng init`: the main station and its first administrator, on an empty installation."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from kameng.db import db, main_scope
from kameng.identity import api as identity
from kameng.ops.errors import OpsError
from kameng.stations import api as stations

MAIN_STATION = 1
PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class FirstAdministrator:
    """What is shown once and kept nowhere in the clear."""

    login: str
    password: str
    totp_secret: str
    totp_uri: str


def open_main_station(name: str, login: str) -> FirstAdministrator:
    """Make station 1 and an administrator with a random password and a second factor.

    Raises `OpsError` when there is staff already: further people are added in the console.
    """
    with main_scope(reason="first start"):
        if identity.list_staff(MAIN_STATION):
            raise OpsError(
                "This installation has staff already.", "Add more people in the console, 员工."
            )
        stations.create_main_station(name.strip())
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        _id, secret = identity.create_staff(
            MAIN_STATION, login, login, password, "admin", with_totp=True, actor="system"
        )
        db.session.commit()
    uri = identity.provisioning_uri(login, secret)
    return FirstAdministrator(login, password, secret, uri)
