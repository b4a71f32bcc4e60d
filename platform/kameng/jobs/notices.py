"""Notices: e-mails are rows first, so that none is lost and none is written twice."""

from __future__ import annotations

from sqlalchemy import text

from kameng.db import db

_INSERT = text(
    "INSERT INTO notice(station_id, kind, recipient, subject, body, dedup_key)"
    " VALUES (:station_id, :kind, :recipient, :subject, :body, :dedup_key)"
    " ON CONFLICT (station_id, dedup_key) DO NOTHING"
)


def send_notice(
    station_id: int, kind: str, recipient: str, subject: str, body: str, dedup_key: str
) -> None:
    """Queue an e-mail in the open transaction; a second one with the same `dedup_key` is dropped.

    A recipient without "@" (a phone number as contact) is passed over. Never put a card in it.
    """
    if "@" not in recipient:
        return
    db.session.execute(
        _INSERT,
        {
            "station_id": station_id, "kind": kind, "recipient": recipient.strip()[:254],
            "subject": " ".join(subject.split())[:200], "body": body, "dedup_key": dedup_key[:200],
        },
    )  # fmt: skip
