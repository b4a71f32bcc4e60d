"""Hand queued notices over to SMTP, or lay them into a folder where no SMTP is set."""

from __future__ import annotations

import hashlib
import logging
import os
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Row, text

from kameng.db import db, main_scope
from kameng.jobs.errors import summary
from kameng.runtime import current_settings
from kameng.settings import Settings

TIMEOUT_S = 20
MAX_TRIES = 8
BATCH = 20

log = logging.getLogger("kameng.mail")

# Claimed by moving the next try on; two workers never hold the same notice, and one that died
# leaves it to the next. After 1, 2, 4 … minutes it is tried again.
_CLAIM = text(
    "UPDATE notice n SET tries = n.tries + 1,"
    " next_try_at = now() + make_interval(mins => 1 << least(n.tries, 8)) FROM"
    " (SELECT station_id, id FROM notice WHERE state = 'queued' AND next_try_at <= now()"
    "  ORDER BY next_try_at LIMIT :batch FOR UPDATE SKIP LOCKED) due"
    " WHERE n.station_id = due.station_id AND n.id = due.id"
    " RETURNING n.station_id, n.id, n.recipient, n.subject, n.body, n.dedup_key, n.tries"
)
_SENT = text(
    "UPDATE notice SET state = 'sent', sent_at = now(), error = ''"
    " WHERE station_id = :station AND id = :id"
)
_FAILED = text(
    "UPDATE notice SET error = :error,"
    " state = CASE WHEN tries >= :max THEN 'failed' ELSE state END"
    " WHERE station_id = :station AND id = :id"
)


def deliver_notices() -> int:
    """Send what is due; returns how many were sent. Opens its own scopes."""
    settings = current_settings()
    with main_scope(reason="notices to send"):
        rows = db.session.execute(_CLAIM, {"batch": BATCH}).all()
        db.session.commit()
    return sum(_deliver(settings, row) for row in rows)


def _deliver(settings: Settings, row: Row[Any]) -> bool:
    error = ""
    try:
        send(settings, compose(settings, row))
    except Exception as failure:  # an address nobody can parse must not hold up the others
        error = summary(failure)
        log.warning("notice %d of station %d: %s", row.id, row.station_id, error)
    given = {"station": row.station_id, "id": row.id}
    with main_scope(reason="notice sent"):
        if error:
            db.session.execute(_FAILED, {**given, "error": error, "max": MAX_TRIES})
        else:
            db.session.execute(_SENT, given)
        db.session.commit()
    return not error


def compose(settings: Settings, row: Row[Any]) -> EmailMessage:
    """The message; its id is made of the notice's key, so a copy is known as a copy."""
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = row.recipient
    message["Subject"] = row.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    digest = hashlib.sha256(f"{row.station_id}/{row.dedup_key}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{settings.base_domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(row.body)
    return message


def send(settings: Settings, message: EmailMessage) -> None:
    """Over SMTP, or into `<home>/mail`; raises OSError or SMTPException."""
    if not settings.smtp_url:
        _lay_down(settings.home / "mail", message)
        return
    parts = urlsplit(settings.smtp_url)
    with _connect(parts.scheme, parts.hostname or "localhost", parts.port) as server:
        if parts.scheme == "smtp+starttls":
            server.starttls(context=ssl.create_default_context())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _connect(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    if scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_S, context=context)
    if scheme not in ("smtp", "smtp+starttls"):
        raise ValueError("KAMENG_SMTP_URL must be smtp://, smtp+starttls:// or smtps://")
    return smtplib.SMTP(host, port or (587 if scheme == "smtp+starttls" else 25), timeout=TIMEOUT_S)


def _lay_down(folder: Path, message: EmailMessage) -> None:
    """One file for each message; sent again, it replaces itself."""
    folder.mkdir(parents=True, exist_ok=True)
    name = str(message["Message-ID"]).strip("<>").partition("@")[0]
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_bytes(message.as_bytes())
    draft.replace(folder / f"{name}.eml")
