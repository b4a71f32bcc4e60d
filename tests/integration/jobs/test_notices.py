"""E-mails: once each, tried again, never with a card."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace

import pytest

from kameng.db import db, station_scope
from kameng.jobs import mail, send_notice
from kameng.runtime import KEY, current_settings

from .helpers import execute, rows


def queue(key="k1", recipient="buyer@example.com", subject="主题"):
    with station_scope(2):
        send_notice(2, "test", recipient, subject, "正文", key)
        db.session.commit()


def letters():
    folder = current_settings().home / "mail"
    found = [path.read_bytes() for path in sorted(folder.glob("*.eml"))]
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in found]


def test_without_smtp_mails_lie_in_a_folder(ready):
    queue()
    assert mail.deliver_notices() == 1
    (letter,) = letters()
    assert (letter["To"], letter["Subject"]) == ("buyer@example.com", "主题")
    assert letter.get_content().strip() == "正文"
    assert mail.deliver_notices() == 0
    assert rows("SELECT state, tries FROM notice") == [("sent", 1)]


def test_the_same_key_is_one_mail(ready):
    for _ in range(3):
        queue()
    queue("k2")
    assert len(rows("SELECT 1 FROM notice")) == 2


def test_a_phone_number_gets_no_mail(ready):
    queue(recipient="13800000000")
    assert rows("SELECT 1 FROM notice") == []


def test_a_line_break_cannot_smuggle_a_header_in(ready):
    queue(subject="Hello\r\nBcc: all@example.com")
    queue("k2", recipient="a@example.com\r\nBcc: all@example.com")
    mail.deliver_notices()
    assert all(letter["Bcc"] is None for letter in letters())


@pytest.mark.parametrize("address", ["().@a.com", ",.<*&a@a.com", "():\u202e@a.com"])
def test_an_address_that_cannot_be_written_keeps_no_other_mail_back(ready, address):
    queue(recipient=address)
    queue("k2")
    assert mail.deliver_notices() == 1
    assert rows("SELECT state FROM notice ORDER BY id") == [("failed",), ("sent",)]


@pytest.fixture
def broken_smtp(ready):
    settings = current_settings()
    ready.extensions[KEY] = replace(settings, smtp_url="smtp://127.0.0.1:1")
    yield
    ready.extensions[KEY] = settings


def test_a_mail_that_cannot_be_sent_is_tried_again_and_then_failed(ready, broken_smtp):
    queue()
    for _ in range(mail.MAX_TRIES):
        assert mail.deliver_notices() == 0
        assert mail.deliver_notices() == 0  # not yet again
        execute("UPDATE notice SET next_try_at = now()")
    (row,) = rows("SELECT state, tries, error FROM notice")
    assert (row.state, row.tries) == ("failed", mail.MAX_TRIES)
    assert "refused" in row.error
