"""Reviews of plugins: submit what is installed, upload its report, approve or refuse it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from flask import request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.plugins import api as plugins
from kameng_admin import people
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.guard import needs
from kameng_admin.labels import Mark

REVIEWS = {
    "none": Mark("idle", "info-circle", _l("未提交审核")),
    "submitted": Mark("info", "clock", _l("待审核")),
    "approved": Mark("ok", "shield-check", _l("已批准")),
    "refused": Mark("bad", "ban", _l("已拒绝")),
    "changed": Mark("warn", "alert-triangle", _l("审核后有改动")),
}


class ReleaseDesk:
    """Mixed into the view of plugins, which has `_info` and `_url`."""

    _info: Callable[[str], plugins.PluginInfo]
    _url: Callable[[str, int], str]

    @expose("/<plugin_id>/submit", methods=("POST",))
    @needs("plugin.manage")
    def submit(self, plugin_id: str) -> Any:
        """Put the files that are installed now up for review."""
        info = self._info(plugin_id)

        def deed() -> None:
            plugins.submit_release(info.id, info.version, info.digest, people.actor())

        return self._done(info, deed, _l("已提交审核"))

    @expose("/<plugin_id>/report", methods=("POST",))
    @needs("plugin.manage")
    def report(self, plugin_id: str) -> Any:
        """Keep the uploaded report with the release it is about."""
        info = self._info(plugin_id)
        version, digest = _release_meant()

        def deed() -> None:
            upload = request.files.get("report")
            if upload is None or not upload.filename:
                raise DomainError("report_missing", _("请选择报告文件"))
            with closing(upload):
                content = upload.stream.read(plugins.MAX_REPORT_BYTES + 1)
            plugins.attach_report(info.id, version, digest, content, people.actor())

        return self._done(info, deed, _l("报告已上传"))

    @expose("/<plugin_id>/review", methods=("POST",))
    @needs("plugin.manage")
    def review(self, plugin_id: str) -> Any:
        """Approve or refuse a release, with a reason."""
        info = self._info(plugin_id)
        version, digest = _release_meant()
        approve = request.form.get("decision") == "approve"

        def deed() -> None:
            plugins.review_release(
                info.id, version, digest, approve=approve,
                reason=reason_given(request.form.get("reason")), actor=people.actor(),
            )  # fmt: skip

        return self._done(info, deed, _l("已批准这个版本") if approve else _l("已拒绝这个版本"))

    def _done(self, info: plugins.PluginInfo, deed: Callable[[], None], words: Any) -> Any:
        return attempt(deed, words, self._url(info.id, plugins.MAIN_STATION))


def review_of(info: plugins.PluginInfo, known: list[plugins.Release]) -> Mark:
    """How the installed files of a plugin stand."""
    return REVIEWS[plugins.standing(known, info.version, info.digest)]


def report_text(info: plugins.PluginInfo, known: list[plugins.Release]) -> str:
    """Passed checks of those that apply, as `44/44`, by the report about the installed files."""
    for one in known:
        if (one.version, one.digest) == (info.version, info.digest) and one.report:
            passed, failed = len(one.findings("passed")), len(one.findings("failed"))
            return f"{passed}/{passed + failed}"
    return ""


def _release_meant() -> tuple[str, str]:
    return request.form.get("version", ""), request.form.get("digest", "")
