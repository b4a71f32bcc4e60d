"""After a change of the master key and `kameng vault rewrap` the old key may be thrown away."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from kameng.app import create_app
from kameng.db import db, main_scope
from kameng.identity import api as identity
from kameng.identity.models import Staff
from kameng.identity.services import totp
from kameng.ops import vault
from kameng.plugins import api as plugins
from kameng.settings import Settings
from kameng.stock.services.keyring import active_key_id, card_cipher

if TYPE_CHECKING:
    from flask import Flask

NEW_KEY = base64.b64encode(b"another master key of thirty-two").decode()
EPAY = {
    "gateway_url": "https://pay.example.com/", "version": "v1", "pid": "1001",
    "key": "secret-of-the-gateway", "methods": "alipay",
}  # fmt: skip


@contextmanager
def _another(settings: Settings) -> Iterator[Flask]:
    """A process with other keys; its connections are closed."""
    application = create_app(settings)
    yield application
    with application.app_context():
        for engine in db.engines.values():
            engine.dispose()


def _protected(app: Flask) -> tuple[str, Any, int]:
    """A second factor, a plugin's secret and a card key, all opened."""
    with app.app_context():
        with main_scope(reason="test"):
            staff = db.session.scalars(db.select(Staff)).one()
            code = totp.unseal(staff.station_id, staff.login, staff.totp_secret or b"")
            key_id = active_key_id()
            card_cipher(key_id)
            db.session.commit()
        provider = plugins.provider(1, "payment-epay")
        return code, type(provider), key_id


def test_S10_rewrap_moves_everything_the_master_key_protects(
    app: Flask, settings: Settings, owner: psycopg.Connection[Any]
) -> None:
    owner.execute(
        "INSERT INTO station(id, path, slug, name, state) VALUES (1, '{1}', 'main', 'Main', 'active')"
    )
    with app.app_context():
        with main_scope(reason="test"):
            identity.seed_roles(1)
            identity.create_staff(1, "admin", "Admin", "a long password", "admin", with_totp=True)
            db.session.commit()
        plugins.configure(1, "payment-epay", EPAY, "test")
        plugins.set_enabled(1, "payment-epay", True, "test")
    before = _protected(app)
    both = replace(settings, master_key=NEW_KEY, master_key_previous=settings.master_key)
    with _another(both) as rotating, rotating.app_context():
        said = vault.rewrap()
    assert "second factors of 1 staff" in said
    assert "secrets of 1 plugin" in said
    with _another(replace(settings, master_key=NEW_KEY)) as later:
        assert _protected(later) == before
