"""The sealed ledger: transfers in a hash chain, and its head written down outside the database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from kameng.db import db, run
from kameng.jobs import notice_text, send_notice
from kameng.runtime import current_settings

SEAL_OF = 5_000  # transfers in one seal, about 1 MB of text at once
FILE = "ledger-heads.jsonl"

HEADS_SQL = text("""
    SELECT id, (sum(transfers) OVER w)::bigint AS transfers, (sum(volume) OVER w)::bigint AS volume,
           encode(hash, 'hex') AS hash, at FROM ledger_seal WINDOW w AS (ORDER BY id)
""")
UNSEALED_SQL = text("""
    SELECT count(*) FROM transfer
     WHERE xid >= coalesce((SELECT max(through_xid) FROM ledger_seal), '0'::xid8)
""")
STATION_SQL = text("SELECT name, locale, contact->>'email' AS email FROM station WHERE id = 1")


@dataclass(frozen=True, slots=True)
class Head:
    """The chain up to seal `id`: how many transfers, their sum (scale 4), the last hash."""

    id: int
    transfers: int
    volume: int
    hash: str
    at: str = ""

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class HeadFinding:
    """An exported head with which the chain does not agree."""

    id: int
    expected: str
    found: str


class HeadsUnreadable(ValueError):
    """A line of the file of heads is none; the message names it."""


def seal(limit: int = SEAL_OF) -> int:
    """Seal all that no running transaction can still add to (main scope); returns how many.

    Every seal is a transaction of its own. Two sealers wait for each other.
    """
    sealed = 0
    while part := int(run("seal_ledger", p_limit=limit)[0]["sealed"]):
        db.session.commit()
        sealed += part
    db.session.commit()
    return sealed


def head() -> Head | None:
    """The newest seal with the sums of the whole chain (main scope); None before the first."""
    found = _heads()
    return found[max(found)] if found else None


def unsealed() -> int:
    """Transfers that no seal holds yet (main scope)."""
    return int(db.session.scalar(UNSEALED_SQL) or 0)


def heads_file() -> Path:
    """Where heads are written to: `KAMENG_LEDGER_HEADS`, else a file in the state folder."""
    settings = current_settings()
    return Path(settings.ledger_heads) if settings.ledger_heads else settings.home / FILE


def export_head() -> Head | None:
    """Seal, add the head to the file and mail it to the main station's contact (main scope).

    None when there is nothing new. Raises OSError when the file cannot be written: then nothing
    is noted as exported and the next run tries again.
    """
    seal()
    newest = head()
    if newest is None or run("mark_head_exported", p_id=newest.id)[0]["code"] != "ok":
        db.session.rollback()
        return None
    path = heads_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(newest.line() + "\n")
    _mail(newest)
    db.session.commit()
    return newest


def read_heads(lines: Iterable[str]) -> list[Head]:
    """Heads of an exported file; raises `HeadsUnreadable`."""
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                told = json.loads(line)
                numbers = [int(told[name]) for name in ("id", "transfers", "volume")]
                found.append(Head(numbers[0], numbers[1], numbers[2], str(told["hash"])))
            except (ValueError, TypeError, KeyError) as error:
                raise HeadsUnreadable(f"line {number} is no head of the ledger") from error
    return found


def compare_heads(exported: Iterable[Head]) -> list[HeadFinding]:
    """Exported heads that the chain does not have any more, or has otherwise. Main scope."""
    chain = _heads()
    findings = []
    for told in exported:
        found = chain.get(told.id)
        if found is None:
            findings.append(HeadFinding(told.id, _words(told), "the chain ends before it"))
        elif _words(found) != _words(told):
            findings.append(HeadFinding(told.id, _words(told), _words(found)))
    return findings


def _words(head: Head) -> str:
    return f"{head.transfers} transfers, volume {head.volume}, {head.hash}"


def _heads() -> dict[int, Head]:
    rows = db.session.execute(HEADS_SQL)
    return {
        row.id: Head(row.id, row.transfers, row.volume, row.hash, _moment(row.at)) for row in rows
    }


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _mail(newest: Head) -> None:
    station = db.session.execute(STATION_SQL).one_or_none()
    if station is None or not station.email:
        return
    volume = f"{newest.volume // 10_000}.{newest.volume % 10_000:04d}"
    subject, body = notice_text(
        "ledger.head", station.locale, station=station.name, id=str(newest.id),
        transfers=str(newest.transfers), volume=volume, hash=newest.hash,
    )  # fmt: skip
    send_notice(1, "ledger.head", station.email, subject, body, f"ledger.head:{newest.id}")
