"""Backups on their timetable, the watch over them, and the questions after a restore."""

from __future__ import annotations

from kameng.jobs import actor, every
from kameng.ops.backup import timetable
from kameng.ops.recovering import asking
from kameng.runtime import current_settings

DAY_S = 86_400
NIGHT_S = 19 * 3600 + 1200  # 03:20 in China
SUNDAY_NIGHT_S = 2 * DAY_S + 20 * 3600 + 1800  # weeks of the clock begin on a Thursday


@every(seconds=5, scope="none")
def store_wal() -> None:
    """Segments that the embedded server has laid out for the archive."""
    timetable.store_wal(current_settings())


@actor(queue="bulk", scope="none", max_retries=0)
def start_backup(word: str) -> None:
    """`now` or `drill`, because a person at the console wants it."""
    timetable.run_command(current_settings(), word, wanted=True)


@every(seconds=DAY_S, offset_s=NIGHT_S, scope="none", queue="bulk", lease_s=4 * 3600)
def back_up() -> None:
    """The backup of the night."""
    timetable.run_command(current_settings(), "now")


@every(seconds=7 * DAY_S, offset_s=SUNDAY_NIGHT_S, scope="none", queue="bulk", lease_s=4 * 3600)
def drill_backup() -> None:
    """Whether the newest backup can be restored."""
    timetable.run_command(current_settings(), "drill")


@every(seconds=60, offset_s=30, scope="none", queue="bulk", lease_s=300)
def watch_backups() -> None:
    """Backups and WAL that are too old, and drills that have failed, become alerts."""
    timetable.watch(current_settings())


@every(seconds=20, scope="none", queue="money", lease_s=600)
def ask_after_restore() -> None:
    """After a restore: everybody outside is asked, then the mode ends by itself."""
    asking.step()


@every(seconds=600, scope="none", queue="money")
def watch_forgotten_payments() -> None:
    """Money for payments that a restored database does not know."""
    asking.watch_forgotten()
