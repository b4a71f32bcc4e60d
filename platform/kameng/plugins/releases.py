"""Releases of plugins: which state of the files was submitted, and what a reviewer said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kameng.db import db, main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.plugins.models import PluginRelease
from kameng.plugins.store import MAIN_STATION, audit

REASON = "plugin releases"
MAX_REPORT_BYTES = 256 * 1024
MAX_FINDINGS = 500
RESULTS = ("passed", "failed", "not applicable")
FORMAT = 1

# How the files that are installed stand to the reviews there were.
NONE, CHANGED = "none", "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One state of a plugin's files; ``state`` is submitted, approved or refused."""

    plugin_id: str
    version: str
    digest: str
    state: str
    report: Mapping[str, Any]
    submitted_by: str
    submitted_at: datetime
    reviewed_by: str
    reviewed_at: datetime | None
    reason: str

    def findings(self, result: str) -> list[Mapping[str, Any]]:
        """What the uploaded report says; nothing without one."""
        return [found for found in self.report.get("findings", ()) if found["result"] == result]


def releases() -> dict[str, list[Release]]:
    """All releases by plugin, the newest first."""
    with main_scope(reason=REASON):
        rows = db.session.scalars(
            select(PluginRelease).order_by(PluginRelease.submitted_at.desc())
        ).all()
        found: dict[str, list[Release]] = {}
        for row in rows:
            found.setdefault(row.plugin_id, []).append(_release(row))
        return found


def standing(known: list[Release], version: str, digest: str) -> str:
    """How installed files stand: a release's state; ``changed`` when others were approved."""
    for one in known:
        if (one.version, one.digest) == (version, digest):
            return one.state
    return CHANGED if any(one.state == "approved" for one in known) else NONE


def submit_release(plugin_id: str, version: str, digest: str, actor: str) -> None:
    """Put files up for review; those that are there already stay as they are."""
    with main_scope(reason=REASON):
        db.session.execute(
            insert(PluginRelease)
            .values(
                plugin_id=plugin_id, version=version, digest=digest, state="submitted", report={},
                submitted_by=actor, submitted_at=datetime.now(UTC), reviewed_by="", reason="",
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
        _note(actor, "plugin.submit", plugin_id, version, digest)
        db.session.commit()


def review_release(
    plugin_id: str, version: str, digest: str, *, approve: bool, reason: str, actor: str
) -> None:
    """Approve or refuse; a later word replaces the one before. Raises `NotFound`."""
    with main_scope(reason=REASON):
        row = _locked(plugin_id, version, digest)
        if approve and any(f["result"] == "failed" for f in row.report.get("findings", ())):
            raise Conflict("report_failed", _l("检查报告里有没通过的项目，不能批准"))
        row.state = "approved" if approve else "refused"
        row.reviewed_by, row.reviewed_at, row.reason = actor, datetime.now(UTC), reason
        action = "plugin.approve" if approve else "plugin.refuse"
        _note(actor, action, plugin_id, version, digest)
        db.session.commit()


def attach_report(plugin_id: str, version: str, digest: str, content: bytes, actor: str) -> None:
    """Keep an uploaded report with the release it is about. Raises `DomainError`, `NotFound`."""
    report = _read(content)
    if (report["plugin_id"], report["digest"]) != (plugin_id, digest):
        raise DomainError("report_of_another", _l("这份报告说的是另一份文件"))
    with main_scope(reason=REASON):
        _locked(plugin_id, version, digest).report = report
        _note(actor, "plugin.report", plugin_id, version, digest)
        db.session.commit()


def _read(content: bytes) -> dict[str, Any]:
    """What is kept of a report: known fields of known types, nothing else."""
    try:
        if len(content) > MAX_REPORT_BYTES:
            raise ValueError("too long")
        read = json.loads(content)
        if read["format"] != FORMAT or len(read["findings"]) > MAX_FINDINGS:
            raise ValueError("another format")
        kept: dict[str, Any] = {
            name: _text(read[name])
            for name in ("plugin_id", "version", "digest", "api_version", "made_at")
        }
        kept["findings"] = [_finding(found) for found in read["findings"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        words = _l("这不是 kameng-plugin verify 写的 JSON 报告")
        raise DomainError("report_unreadable", words) from None
    return kept


def _finding(found: Mapping[str, Any]) -> dict[str, str]:
    if found["result"] not in RESULTS:
        raise ValueError("another result")
    return {name: _text(found[name]) for name in ("check", "meaning", "result", "reason")}


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("no text")
    return value[:1000]


def _locked(plugin_id: str, version: str, digest: str) -> PluginRelease:
    key = (plugin_id, version, digest)
    row = db.session.get(PluginRelease, key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no_release", _l("没有这个版本"))
    return row


def _note(actor: str, action: str, plugin_id: str, version: str, digest: str) -> None:
    detail = {"version": version, "digest": digest}
    audit(MAIN_STATION, actor, action, plugin_id, detail)


def _release(row: PluginRelease) -> Release:
    return Release(
        plugin_id=row.plugin_id, version=row.version, digest=row.digest, state=row.state,
        report=row.report, submitted_by=row.submitted_by, submitted_at=row.submitted_at,
        reviewed_by=row.reviewed_by, reviewed_at=row.reviewed_at, reason=row.reason,
    )  # fmt: skip
