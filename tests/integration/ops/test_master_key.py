"""After a change of the master key and `kameng vault rewrap` the old key may be thrown away."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import text

from kameng.app import create_app
from kameng.db import db, main_scope, station_scope
from kameng.identity import api as identity
from kameng.identity.models import Staff
from kameng.identity.services import totp
from kameng.ops import vault
from kameng.plugins import api as plugins
from kameng.settings import Settings
from kameng.stock.services.keyring import active_key_id, card_cipher
from kameng.webhooks import api as webhooks
from kameng.webhooks.services.sealing import unseal

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


def _protected(app: Flask) -> tuple[str, Any, int, bytes]:
    """A second factor, a plugin's secret, a card key and a webhook's secret, all opened."""
    with app.app_context():
        with main_scope(reason="test"):
            staff = db.session.scalars(db.select(Staff)).one()
            code = totp.unseal(staff.station_id, staff.login, staff.totp_secret or b"")
            key_id = active_key_id()
            card_cipher(key_id)
            row = db.session.execute(text("SELECT member_id, sealed FROM webhook_endpoint")).one()
            hook = unseal(1, row.member_id, bytes(row.sealed))
            db.session.commit()
        provider = plugins.provider(1, "payment-epay")
        return code, type(provider), key_id, hook


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
        member = owner.execute(
            "INSERT INTO member(station_id, login, password_hash) VALUES (1, 'm', '') RETURNING id"
        ).fetchone()
        with station_scope(1):
            webhooks.add_endpoint(member[0] if member else 0, "https://hooks.example.com/")
        plugins.configure(1, "payment-epay", EPAY, "test")
        plugins.set_enabled(1, "payment-epay", True, "test")
    before = _protected(app)
    both = replace(settings, master_key=NEW_KEY, master_key_previous=settings.master_key)
    with _another(both) as rotating, rotating.app_context():
        said = vault.rewrap()
    assert "second factors of 1 staff" in said
    assert "keys of 1 webhook endpoints" in said
    assert "secrets of 1 plugin" in said
    with _another(replace(settings, master_key=NEW_KEY)) as later:
        assert _protected(later) == before
