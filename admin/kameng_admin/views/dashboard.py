"""今日要办: what needs a person now, then the day in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import g, jsonify, request, url_for
from flask_admin import BaseView, expose
from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.jobs import api as jobs
from kameng.plugins import api as plugins
from kameng.web.formats import plain_money
from kameng_admin import board, charts, counts, links, people, texts
from kameng_admin.base.guard import Guarded, Place, may
from kameng_admin.labels import Mark
from kameng_admin.shell import Crumb

QUEUE_NAMES = {"money": _l("资金"), "supply": _l("供货"), "notify": _l("通知"), "bulk": _l("批量")}
BUSY = 100  # messages in a queue from which a person should know


@dataclass(frozen=True, slots=True)
class Act:
    """One counter of what waits for a person."""

    label: Any
    icon: str
    count: int
    tone: str  # bad, warn, none
    note: Any
    url: str


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure with its change and its course."""

    label: Any
    value: str
    change: str
    tone: str  # up, down, flat
    arrow: str
    points: str


class DashboardView(Guarded, BaseView):
    """The first page of the console."""

    need = "dashboard.view"
    place = Place("", _l("今日要办"), "layout-dashboard")

    @expose("/")
    def index_view(self) -> Any:
        """The whole page; htmx fetches `/admin/board` every 15 seconds."""
        return self.render(
            "kameng_admin/dashboard.html",
            crumbs=[Crumb(_("主站")), Crumb(self.place.label)],
            **self._context(),
        )

    @expose("/board")
    def board(self) -> Any:
        """The moving part alone."""
        g.console_page = True
        return super(Guarded, self).render("kameng_admin/board.html", **self._context())

    @expose("/board/data")
    def data(self) -> Any:
        """The figures behind the charts, as JSON (amounts are decimal strings)."""
        loaded = board.load_board(_span())
        return jsonify(
            span=loaded.span,
            at=loaded.now.isoformat(),
            buckets=[_plain(bucket) for bucket in loaded.buckets],
            before=[_plain(bucket) for bucket in loaded.before],
        )

    def _context(self) -> dict[str, Any]:
        loaded = board.load_board(_span())
        low = board.low_skus()
        return {
            "board": loaded,
            "today_text": format_date(loaded.now.date(), _("M 月 d 日 EEEE")),
            "acts": _acts(low),
            "kpis": _kpis(loaded),
            "turnover": charts.turnover_option(loaded),
            "results": charts.result_option(loaded),
            "low": low,
            "channels": _channels(),
            "queues": jobs.queue_depths(),
            "queue_names": QUEUE_NAMES,
            "busy": BUSY,
            "dead": counts.waiting().get("admin_jobs", (0, False))[0],
            "news": _news(),
            "texts": texts,
            "links": links,
            "may": people.viewer_can,
        }


def _news() -> Any:
    news = board.news()
    links.load(event.subject for event in news)
    return news


def _span() -> str:
    asked = request.args.get("span", board.USUAL)
    return asked if asked in board.SPANS else board.USUAL


def _plain(bucket: board.Bucket) -> dict[str, Any]:
    return {
        "at": bucket.at.isoformat(),
        "orders": bucket.orders,
        "turnover": plain_money(bucket.turnover, 2).replace(",", ""),
        "delivered": bucket.delivered,
        "working": bucket.working,
        "refunded": bucket.refunded,
    }


def _acts(low: list[board.LowSku]) -> list[Act]:
    tally = counts.waiting()

    def act(endpoint: str, label: Any, icon: str, notes: tuple[Any, Any], bad: bool = False) -> Act:
        count, late = tally.get(endpoint, (0, False))
        tone = "none" if not count else "bad" if bad or late else "warn"
        return Act(label, icon, count, tone, notes[0] if count else notes[1], _to(endpoint))

    first = low[0] if low else None
    low_note = _("没有缺货风险")
    if first is not None:
        low_note = (
            _("已有售罄") if not first.free else _("最少剩 %(n)s 张", n=min(s.free for s in low))
        )
    return [
        act(
            "admin_risk",
            _("风控待审"),
            "shield-lock",
            (_("货未发，款已冻结"), _("没有冻结的订单")),
            True,
        ),
        act("admin_applications", _("等我审批"), "user-check", (_("开站申请"), _("没有待审申请"))),
        act("admin_approvals", _("资金审批"), "cash", (_("提现与调账"), _("没有等批准的申请"))),
        act("admin_payments", _("支付确认中"), "clock", (_("系统在查询，无需操作"), _("都有结果"))),
        act(
            "admin_purchases", _("人工待办"), "headset", (_("买家在等发货"), _("没有等人工的订单"))
        ),
        Act(
            _("库存见底"),
            "database",
            len(low),
            "warn" if low else "none",
            low_note,
            _to("admin_stock"),
        ),
        act("admin_reconcile", _("对账差异"), "list-check", (_("逐条说清"), _("账单都对得上"))),
        act(
            "admin_by_hand",
            _("待确认转账"),
            "building-bank",
            (_("买家传了截图，在等"), _("没有待确认的转账")),
        ),
        act(
            "admin_refunds",
            _("退款要看"),
            "receipt-refund",
            (_("渠道拒绝或没说清"), _("退款都正常")),
        ),
        act("admin_alerts", _("未处理预警"), "bell", (_("看过请关闭"), _("没有未处理的预警"))),
    ]


def _to(endpoint: str) -> str:
    return url_for(f"{endpoint}.index_view")


def _kpis(loaded: board.Board) -> list[Kpi]:
    now, then = loaded.total, loaded.total_before
    kept = [b for index, b in enumerate(loaded.buckets) if index <= loaded.current]
    return [
        Kpi(
            _("成交额"),
            f"¥{plain_money(now.turnover, 2)}",
            *_ratio(now.turnover, then.turnover),
            charts.spark([b.turnover for b in kept]),
        ),
        Kpi(
            _("付款订单"),
            f"{now.orders:,}",
            *_ratio(now.orders, then.orders),
            charts.spark([b.orders for b in kept]),
        ),
        Kpi(
            _("履约成功率"),
            texts.percent_text(now.success),
            *_points(now.success, then.success),
            charts.spark([_share(b.delivered, b.delivered + b.refunded) for b in kept]),
        ),
        Kpi(
            _("退款率"),
            texts.percent_text(now.refund_rate),
            *_points(now.refund_rate, then.refund_rate, good_when_down=True),
            charts.spark([_share(b.refunded, b.orders) for b in kept]),
        ),
        *([_margin(loaded, kept)] if may("cost.view") else []),
    ]


def _margin(loaded: board.Board, kept: list[board.Bucket]) -> Kpi:
    """Who may not see costs could work them out from it."""
    return Kpi(
        _("主站毛利"),
        f"¥{plain_money(loaded.total.margin, 2)}",
        *_ratio(loaded.total.margin, loaded.total_before.margin),
        charts.spark([bucket.margin for bucket in kept]),
    )


def _share(part: int, whole: int) -> float | None:
    return part * 100 / whole if whole else None


def _ratio(now: int, then: int) -> tuple[str, str, str]:
    if not then:
        return "—", "flat", "minus"
    return _signed((now - then) * 100 / then, "%")


def _points(
    now: float | None, then: float | None, good_when_down: bool = False
) -> tuple[str, str, str]:
    if now is None or then is None:
        return "—", "flat", "minus"
    text, tone, arrow = _signed(now - then, "%")
    if good_when_down and tone != "flat":
        tone = "down" if tone == "up" else "up"
    return text, tone, arrow


def _signed(value: float, unit: str) -> tuple[str, str, str]:
    rounded = round(value, 1 if abs(value) >= 1 else 2)
    if not rounded:
        return f"0{unit}", "flat", "minus"
    sign = "+" if rounded > 0 else "−"
    tone, arrow = ("up", "trending-up") if rounded > 0 else ("down", "trending-down")
    return f"{sign}{abs(rounded)}{unit}", tone, arrow


def _channels() -> list[dict[str, Any]]:
    """Payment and supply plugins that are on, with the last day's figures."""
    figures = {row.plugin_id: row for row in board.channels()}
    shown = []
    for info in plugins.list_plugins():
        row = figures.get(info.id)
        broken = info.state.value in ("quarantined", "incompatible")
        if not (info.enabled or broken) or (info.kind and info.kind.value in ("risk", "theme")):
            continue
        share = row.good * 100 / row.ended if row and row.ended else None
        shown.append(
            {
                "id": info.id,
                "name": info.name or info.id,
                "row": row,
                "share": share,
                "mark": _channel_mark(info.state.value, share),
            }
        )
    return shown


def _channel_mark(state: str, share: float | None) -> Mark:
    if state in ("quarantined", "incompatible"):
        return Mark("bad", "alert-circle", _("已隔离"))
    if state == "misconfigured":
        return Mark("warn", "settings", _("待设置"))
    if share is not None and share < 90:
        return Mark("warn", "alert-triangle", _("偏低"))
    return Mark("ok", "circle-check", _("正常"))
