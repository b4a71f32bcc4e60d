"""ECharts options of the board: data here, look in the tokens; and sparklines as plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from kameng.suppliers.api import ScorePoint, ScoreTerms
from kameng_admin.board import HOURLY, Board, Bucket

YUAN = 10_000


def turnover_option(board: Board) -> dict[str, Any]:
    """Turnover now as a line, the span before as a dashed grey one."""
    now = [bucket.turnover / YUAN for bucket in board.buckets]
    shown: list[Any] = [v if index <= board.current else None for index, v in enumerate(now)]
    shown[board.current] = {"value": now[board.current], "symbol": "circle", "symbolSize": 8}
    return {
        **_frame([_label(board, bucket) for bucket in board.buckets]),
        "series": [
            {
                "name": _("本期"),
                "type": "line",
                "data": shown,
                "symbol": "none",
                "lineStyle": {"width": 2},
                "areaStyle": {"opacity": 0.08},
                "z": 3,
            },
            {
                "name": _("对比"),
                "type": "line",
                "showSymbol": False,
                "data": [bucket.turnover / YUAN for bucket in board.before],
                "lineStyle": {"width": 1.5, "type": "dashed", "color": "var(--km-ink-3)"},
                "itemStyle": {"color": "var(--km-ink-3)"},
            },
        ],
    }


def result_option(board: Board) -> dict[str, Any]:
    """Orders by what became of them."""
    kept = [b for index, b in enumerate(board.buckets) if index <= board.current]
    rows = (
        (_("已发货"), [b.delivered for b in kept], "var(--km-chart-1)"),
        (_("处理中"), [b.working for b in kept], "var(--km-chart-4)"),
        (_("退款"), [b.refunded for b in kept], "var(--km-chart-5)"),
    )
    return {
        **_frame([_label(board, bucket) for bucket in kept]),
        "series": [
            {
                "name": name,
                "type": "bar",
                "stack": "all",
                "data": data,
                "barMaxWidth": 10,
                "itemStyle": {"color": colour},
            }
            for name, data, colour in rows
        ],
    }


def daily_option(days: Sequence[date], amounts: Sequence[int]) -> dict[str, Any]:
    """One bar a day, in yuan."""
    return {
        **_frame([f"{day:%m-%d}" for day in days]),
        "series": [
            {
                "name": _("成交额"),
                "type": "bar",
                "barMaxWidth": 12,
                "data": [amount / YUAN for amount in amounts],
                "itemStyle": {"color": "var(--km-chart-1)", "borderRadius": [2, 2, 0, 0]},
            }
        ],
    }


def cost_option(points: Sequence[tuple[datetime, int]], now: int) -> dict[str, Any]:
    """A cost as steps over time, in yuan, up to this moment."""
    steps = [(f"{at:%m-%d %H:%M}", cost) for at, cost in points] + [(_("现在"), now)]
    frame = _frame([label for label, _cost in steps])
    frame["yAxis"] |= {"scale": True, "minInterval": 0}  # a change of a fen must be seen
    return {
        **frame,
        "series": [
            {
                "name": _("成本"),
                "type": "line",
                "step": "end",
                "data": [cost / YUAN for _label, cost in steps],
                "lineStyle": {"width": 2},
                "itemStyle": {"color": "var(--km-chart-1)"},
            }
        ],
    }


def score_option(history: Sequence[ScorePoint], terms: ScoreTerms) -> dict[str, Any]:
    """The course of a supplier's score, with the limits of the grades as lines."""
    shown = [point for point in reversed(history) if point.score is not None]
    limits = (("A", terms.a_from), ("B", terms.b_from), ("C", terms.c_from))
    frame = _frame([f"{point.at:%m-%d}" for point in shown])
    frame["yAxis"] |= {"min": 0, "max": 1000}
    return {
        **frame,
        "series": [
            {
                "name": _("得分"),
                "type": "line",
                "step": "end",
                "data": [point.score for point in shown],
                "showSymbol": len(shown) < 20,
                "markLine": {
                    "silent": True,
                    "symbol": "none",
                    "lineStyle": {"type": "dashed", "color": "var(--km-ink-3)"},
                    "label": {"formatter": "{b}", "color": "var(--km-ink-3)"},
                    "data": [{"name": grade, "yAxis": start} for grade, start in limits],
                },
            }
        ],
    }


def forecast_option(
    sold: Sequence[tuple[date, int]],
    ahead: Sequence[tuple[date, float]],
    bands: Sequence[tuple[date, date, str]],
) -> dict[str, Any]:
    """What was sold as bars, what will be as a line, seasons as bands behind both."""
    days = [*(day for day, _n in sold), *(day for day, _n in ahead)]
    labels = [f"{day:%y-%m-%d}" for day in days]
    areas = [
        [{"name": name, "xAxis": labels[max(0, (first - days[0]).days)]},
         {"xAxis": labels[min(len(days) - 1, (last - days[0]).days)]}]
        for first, last, name in bands
        if days and last >= days[0] and first <= days[-1]
    ]  # fmt: skip
    return {
        **_frame(labels),
        "series": [
            {
                "name": _("售出"),
                "type": "bar",
                "barMaxWidth": 8,
                "data": [pieces for _day, pieces in sold],
                "itemStyle": {"color": "var(--km-chart-1)"},
                "markArea": {
                    "silent": True,
                    "itemStyle": {"color": "var(--km-warn-soft)", "opacity": 0.6},
                    "label": {"color": "var(--km-ink-2)", "fontSize": 11},
                    "data": areas,
                },
            },
            {
                "name": _("预测"),
                "type": "line",
                "showSymbol": False,
                "data": [*[None] * len(sold), *(round(pieces, 1) for _day, pieces in ahead)],
                "lineStyle": {"width": 2, "type": "dashed", "color": "var(--km-chart-4)"},
                "itemStyle": {"color": "var(--km-chart-4)"},
            },
        ],
    }


def _frame(labels: Sequence[str]) -> dict[str, Any]:
    return {
        "grid": {"left": 8, "right": 14, "top": 12, "bottom": 6, "containLabel": True},
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": "var(--km-surface)",
            "borderColor": "var(--km-line)",
            "textStyle": {"color": "var(--km-ink)", "fontSize": 12},
        },
        "xAxis": {
            "type": "category",
            "data": list(labels),
            "boundaryGap": True,
            "axisLine": {"lineStyle": {"color": "var(--km-chart-grid)"}},
            "axisTick": {"show": False},
            "axisLabel": {"color": "var(--km-ink-3)", "fontSize": 11, "hideOverlap": True},
        },
        "yAxis": {
            "type": "value",
            "splitNumber": 4,
            "minInterval": 1,
            "splitLine": {"lineStyle": {"color": "var(--km-chart-grid)"}},
            "axisLabel": {"color": "var(--km-ink-3)", "fontSize": 11},
        },
    }


def _label(board: Board, bucket: Bucket) -> str:
    return f"{bucket.at:%H:%M}" if board.span in HOURLY else f"{bucket.at:%m-%d}"


def spark(values: Sequence[float | int | None]) -> str:
    """Points of a 64×20 polyline."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = 64 / (len(known) - 1)
    return " ".join(
        f"{index * step:.1f},{18 - (value - low) / span * 16:.1f}"
        for index, value in enumerate(known)
    )
