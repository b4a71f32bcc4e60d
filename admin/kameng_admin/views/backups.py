"""Backups, drills, and the time after a restore."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.errors import Conflict
from kameng.ops import tasks
from kameng.ops.backup import reading as backups
from kameng.ops.recovering import asking
from kameng.ops.recovering import reading as recoveries
from kameng_admin import labels, people, words
from kameng_admin.base.actions import attempt
from kameng_admin.base.guard import Guarded, Place, needs, whole_number

LATE_WAL = timedelta(minutes=5)
RUNNING = {"running": "running", "succeeded": "done", "failed": "dead"}


class BackupsView(Guarded, BaseView):
    """What is kept, whether it can be restored, and what a restore has left to be done."""

    need = "job.view"
    place = Place(_l("系统"), _l("备份与恢复"), "database")

    @expose("/")
    def index_view(self) -> Any:
        """All on one page; a recovery first when there was one."""
        recovery = recoveries.newest()
        return self.render(
            "kameng_admin/backups.html",
            status=backups.status(),
            made=backups.runs("backup"),
            drills=backups.runs("drill"),
            recovery=recovery,
            questions=recoveries.questions(recovery.id) if recovery else [],
            orders=recoveries.orders_for_a_person(),
            late=LATE_WAL,
            run_mark=lambda state: labels.mark(labels.RUN, RUNNING[state]),
            words=words,
        )

    @expose("/start", methods=("POST",))
    @needs("job.retry")
    def start(self) -> Any:
        """A backup or a drill, in a worker."""
        word = "drill" if request.form.get("what") == "drill" else "now"

        def deed() -> None:
            tasks.start_backup.send(word)
            people.record(f"backup.{word}", "backup")

        return attempt(deed, _l("已开始，完成后显示在这里"), str(self.get_url(".index_view")))

    @expose("/orders/<station_id>/<order_id>", methods=("POST",))
    @needs("order.manage")
    def let_go_on(self, station_id: str, order_id: str) -> Any:
        """Nothing was bought for this order at any supplier: it may be bought."""
        station, order = whole_number(station_id), whole_number(order_id)

        def deed() -> None:
            if not asking.let_go_on(station, order, people.actor(), request.remote_addr or ""):
                raise Conflict("repeat", _("这张订单已经处理过了。"))

        return attempt(deed, _l("订单继续采购"), str(self.get_url(".index_view")))

    @expose("/end", methods=("POST",))
    @needs("recovery.end")
    def end(self) -> Any:
        """End the recovery mode although somebody has not answered."""
        actor, ip = people.actor(), request.remote_addr or ""

        def deed() -> None:
            if asking.end(actor, anyway=True, ip=ip) != "ok":
                raise Conflict("repeat", _("现在不在恢复模式。"))

        return attempt(deed, _l("恢复模式已结束"), str(self.get_url(".index_view")))
