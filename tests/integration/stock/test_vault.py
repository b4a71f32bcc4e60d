"""The card vault on a real database: no code in the clear anywhere, none read before its sale."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import redis
from flask import Flask
from sqlalchemy import text

from kameng.db import db, main_scope, station_scope
from kameng.errors import NotFound, Unavailable
from kameng.jobs.discovery import load_tasks
from kameng.jobs.inline import drain
from kameng.ops.postgres import installed_programs
from kameng.runtime import KEY, current_settings
from kameng.settings import Settings
from kameng.stock.api import (
    VaultError,
    batch,
    cards_of_order,
    import_cards,
    open_alerts,
    reencrypt,
    reveal_all,
    reveal_card,
    rewrap_keys,
    rotate_keys,
    start_import,
)
from kameng.stock.services import keyring
from kameng.stock.services.spool import spool_path

DEER = 3
CANARY = "CANARY7F3A91D2"
PG_DUMP = installed_programs() / "pg_dump"


def put(app: Flask, sku: int, *secrets: str) -> int:
    with app.app_context(), main_scope(reason="test"):
        data = "\n".join(f"XH10261188{n:02}----{secret}" for n, secret in enumerate(secrets))
        return import_cards(sku, data.encode(), "cards.txt", "staff:1")


def bought(shop: Any, sku: int, quantity: int = 1) -> Any:
    code = shop.one("SELECT code FROM sku WHERE id = %s", sku)
    placed, _ = shop.buy(code, DEER, quantity)
    assert shop.state(DEER, placed.order_id) == "delivered"
    return placed


def test_S10_the_canary_is_nowhere_in_the_clear(
    app: Flask, settings: Settings, shop: Any, sku: int, database: str,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    load_tasks()
    put(app, sku, CANARY, CANARY + "SECOND")
    with app.app_context():
        with main_scope(reason="test"):
            spooled = start_import(
                sku, f"N1----{CANARY}THIRD\nbad {CANARY}\n".encode(), f"{'x'}.txt", "staff:1"
            )
        sealed = spool_path(spooled).read_bytes()
        assert CANARY.encode() not in sealed
        payloads = "".join(str(row) for row in shop.owner.execute("SELECT payload FROM outbox"))
        assert CANARY not in payloads
        drain()
        assert not spool_path(spooled).exists(), "the upload is deleted once it is in"
    bought(shop, sku)

    dump = subprocess.run([PG_DUMP, "--dbname", database], capture_output=True, check=True).stdout
    assert b"COPY public.card " in dump
    assert dump.count(CANARY.encode()) == 0
    assert dump.count(CANARY.encode().hex().encode()) == 0
    assert dump.count(base64.b64encode(CANARY.encode()).rstrip(b"=")) == 0
    with redis.Redis.from_url(settings.redis_url) as client:
        for key in client.scan_iter():
            assert CANARY.encode() not in client.dump(key)
    assert CANARY not in caplog.text
    out, err = capfd.readouterr()
    assert CANARY not in out + err
    files = [path.read_bytes() for path in settings.home.rglob("*") if path.is_file()]
    assert not any(CANARY.encode() in content for content in files)


def test_S10_two_ciphertexts_that_change_places_do_not_open(
    app: Flask, shop: Any, sku: int
) -> None:
    put(app, sku, "FIRST-SECRET-1", "SECOND-SECRET-2")
    placed = bought(shop, sku, quantity=2)
    shop.owner.execute(
        "UPDATE card c SET cipher = o.cipher FROM card o"
        " WHERE c.order_id = %s AND o.order_id = %s AND o.id <> c.id",
        (placed.order_id, placed.order_id),
    )
    with app.app_context(), station_scope(DEER), pytest.raises(Unavailable):
        reveal_all(placed.order_id, "member:1")
    with app.app_context(), main_scope(reason="test"):
        rotate_keys()
        reencrypt()
        broken = [alert.subject for alert in open_alerts(kinds=["card_broken"])]
    assert len(broken) == 2, "broken cards are reported and do not hold up the others"


@pytest.mark.parametrize("role", ["app", "main"])
def test_S10_nobody_reads_an_unsold_card(app: Flask, sku: int, role: str) -> None:
    put(app, sku, "UNSOLD-SECRET-1")
    scope = station_scope(DEER) if role == "app" else main_scope(reason="test")
    with app.app_context(), scope:
        if role == "app":
            found = db.session.execute(
                text("SELECT count(cipher) FROM card WHERE sku_id = :sku"), {"sku": sku}
            )
            assert found.scalar() == 0
        else:
            with pytest.raises(Exception, match="permission denied"):
                db.session.execute(text("SELECT cipher FROM card"))
        db.session.rollback()
        for forbidden in (
            "UPDATE card SET status = 2",
            "INSERT INTO card(sku_id, batch_id, cipher, digest, key_id) VALUES (1, 1, '', '', 1)",
            "DELETE FROM card",
        ):
            with pytest.raises(Exception, match="permission denied"):
                db.session.execute(text(forbidden))
            db.session.rollback()
    if role == "app":
        with app.app_context(), station_scope(DEER):
            for function in (
                "cards_to_reencrypt(0, 10)", "void_batch_cards(1)", "expire_cards('2099-01-01')",
            ):  # fmt: skip
                with pytest.raises(Exception, match="permission denied"):
                    db.session.execute(text(f"SELECT * FROM {function}"))
                db.session.rollback()


def test_S10_each_reveal_is_recorded_and_stays_within_its_station(
    app: Flask, shop: Any, sku: int
) -> None:
    put(app, sku, "REVEAL-SECRET-1", "REVEAL-SECRET-2")
    placed = bought(shop, sku, quantity=2)
    with app.app_context(), station_scope(DEER):
        views = cards_of_order(placed.order_no)
        assert [(view.index, view.secret_masked) for view in views] == [
            (1, "REVE********"), (2, "REVE********"),
        ]  # fmt: skip
        assert views[0].number_masked == "XH102611****"
        card = reveal_card(placed.order_id, 2, "member:9", "192.0.2.7")
        assert (card.number, card.secret) == ("XH1026118801", "REVEAL-SECRET-2")
        assert "SECRET" not in repr(card)
        assert len(reveal_all(placed.order_id, "member:9")) == 2
        with pytest.raises(NotFound):
            reveal_card(placed.order_id, 3, "member:9")
    rows = shop.owner.execute(
        "SELECT actor, subject, detail ->> 'index', ip FROM audit_event"
        " WHERE action = 'card.reveal' AND station_id = %s AND subject = %s ORDER BY id",
        (DEER, f"order:{placed.order_id}"),
    ).fetchall()
    subject = f"order:{placed.order_id}"
    assert rows == [
        ("member:9", subject, "2", "192.0.2.7"),
        ("member:9", subject, "1", ""), ("member:9", subject, "2", ""),
    ]  # fmt: skip
    with app.app_context(), station_scope(2):
        assert cards_of_order(placed.order_no) == []
        with pytest.raises(NotFound):
            reveal_card(placed.order_id, 1, "member:9")


def test_S10_rotation_moves_every_card_and_loses_none(app: Flask, shop: Any, sku: int) -> None:
    put(app, sku, *(f"ROTATE-SECRET-{n}" for n in range(7)))
    before = bought(shop, sku, quantity=2)
    with app.app_context(), main_scope(reason="test"):
        old = keyring.active_key_id()
        new = rotate_keys()
        assert new != old
        moved = reencrypt(limit=3)
        assert moved == 3, "it stops where it is told to, and goes on later"
        while reencrypt(limit=1_000):
            pass
        left = db.session.execute(
            text("SELECT count(*) FROM card WHERE sku_id = :sku AND key_id <> :key"),
            {"sku": sku, "key": new},
        )
        assert left.scalar() == 0
    after = bought(shop, sku, quantity=3)
    with app.app_context(), station_scope(DEER):
        opened = [*reveal_all(before.order_id, "m"), *reveal_all(after.order_id, "m")]
    assert [card.secret for card in opened] == [f"ROTATE-SECRET-{n}" for n in range(5)]


def test_S10_the_same_card_is_a_duplicate_after_rotation_too(app: Flask, sku: int) -> None:
    put(app, sku, "DUP-SECRET-1")
    with app.app_context(), main_scope(reason="test"):
        rotate_keys()
        again = import_cards(sku, b"XH1026118800----DUP-SECRET-1", "again.txt", "staff:1")
        view = batch(again)
    assert (view.imported, view.duplicated) == (0, 1)


def test_S10_a_new_master_key_takes_over(app: Flask, shop: Any, sku: int) -> None:
    put(app, sku, "MASTER-SECRET-1")
    placed = bought(shop, sku)
    old = app.extensions[KEY]
    fresh = base64.b64encode(os.urandom(32)).decode()
    try:
        app.extensions[KEY] = replace(old, master_key=fresh, master_key_previous=old.master_key)
        with app.app_context(), main_scope(reason="test"):
            assert rewrap_keys() >= 2
            assert rewrap_keys() == 0
        app.extensions[KEY] = replace(old, master_key=fresh)
        app.extensions.pop(keyring.EXTENSION)
        with app.app_context(), station_scope(DEER):
            assert reveal_card(placed.order_id, 1, "m").secret == "MASTER-SECRET-1"
        app.extensions[KEY] = old
        app.extensions.pop(keyring.EXTENSION)
        with app.app_context(), station_scope(DEER), pytest.raises(Unavailable):
            reveal_card(placed.order_id, 1, "m")
        app.extensions[KEY] = replace(old, master_key_previous=fresh)
        with app.app_context(), main_scope(reason="test"):
            assert current_settings().master_key_previous == fresh
            rewrap_keys()
    finally:
        app.extensions[KEY] = old


@pytest.mark.parametrize("key", ["", "short", base64.b64encode(b"x" * 16).decode()])
def test_a_bad_master_key_is_refused(app: Flask, key: str) -> None:
    old = app.extensions[KEY]
    try:
        app.extensions[KEY] = replace(old, master_key=key)
        with app.app_context(), pytest.raises(VaultError, match="KAMENG_MASTER_KEY"):
            keyring.master_key()
    finally:
        app.extensions[KEY] = old


def test_S10_data_keys_lie_wrapped(sku: int, owner: psycopg.Connection[Any]) -> None:
    for (wrapped,) in owner.execute("SELECT wrapped FROM data_key"):
        assert len(wrapped) == 12 + 32 + 16
