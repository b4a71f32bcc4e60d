"""通知: deliveries that fail or are late at any station, and addresses that get nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask_admin import BaseView, expose
from flask_babel import lazy_gettext as _l

from kameng.webhooks import api as webhooks
from kameng_admin import labels, texts
from kameng_admin.base.guard import Guarded, Place
from kameng_admin.labels import Mark
from kameng_admin.views.api_keys import OPEN_API

DELIVERY = {
    "due": Mark("warn", "rotate", _l("重试中")),
    "late": Mark("bad", "clock", _l("已逾时")),
    "failed": Mark("bad", "circle-x", _l("已放弃")),
}
ENDPOINT = {
    "paused": Mark("idle", "player-pause", _l("已暂停")),
    "gone": Mark("bad", "circle-x", _l("已失效")),
}


class WebhooksView(Guarded, BaseView):
    """Nothing can be changed here: a member's notices are the member's."""

    need = "openapi.view"
    place = Place(_l("系统"), _l("开放接口"), "bell")
    family = OPEN_API
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """Counts, then what is in trouble."""
        return self.render(
            "kameng_admin/webhooks.html", health=webhooks.delivery_health(),
            deliveries=webhooks.troubled_deliveries(), endpoints=webhooks.stopped_endpoints(),
            mark=lambda one: DELIVERY["late" if one.late else one.state],
            endpoint_marks=ENDPOINT, shown=without_query, labels=labels, texts=texts,
            page_title=_l("通知"),
        )  # fmt: skip


def without_query(url: str) -> str:
    """An address as staff may see it: its query often holds a password of the receiver."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
