"""`kameng recovery begin|status|end`, in words for a terminal."""

from __future__ import annotations

from kameng.db import main_scope
from kameng.ops.errors import OpsError
from kameng.ops.recovering import asking, reading
from kameng.ops.recovering.beginning import begin
from kameng.ops.recovering.moments import read_moment
from kameng.settings import Settings


def begin_by_hand(settings: Settings, restored_to: str) -> list[str]:
    """For a database that was not restored by `kameng backup restore`."""
    moment = read_moment(restored_to, settings.timezone)
    if moment is None:
        raise OpsError("Name the moment to which the database was restored.")
    fresh = begin(settings.database_url, moment, "by hand")
    return ["the recovery mode has begun" if fresh else "the recovery mode lasts already"]


def status() -> tuple[list[str], bool]:
    """What the newest recovery has come to, and whether it is over. Needs an app context."""
    with main_scope(reason="recovery status"):
        found = reading.newest()
        if found is None:
            return ["this database was never restored"], True
        waiting = [q for q in reading.questions(found.id) if q.state == "waiting"]
    lines = [
        f"restored to  {found.restored_to.isoformat(sep=' ', timespec='seconds')}",
        f"state        {found.state}" + (f" (by {found.ended_by})" if found.ended_by else ""),
        *(f"{name:<28} {number}" for name, number in found.counts.items()),
        *(f"open         {q.kind} {q.number}: {q.answer or 'not asked yet'}" for q in waiting),
    ]
    if found.orders_waiting:
        lines.append(f"{found.orders_waiting} orders wait for a person (console: 备份与恢复)")
    return lines, found.state == "ended"


def end(anyway: bool) -> tuple[list[str], bool]:
    """End it; whether it has ended. Needs an app context."""
    code = asking.end("operator", anyway)
    words = {
        "ok": "the recovery mode has ended",
        "repeat": "no recovery mode lasts",
        "waiting": "questions have no answer yet: `kameng recovery status` names them",
    }
    return [words[code]], code != "waiting"
