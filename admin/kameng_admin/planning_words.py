"""Forecasts and plans in words: where a number comes from, and how a plan stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.planning import api as planning
from kameng_admin import texts
from kameng_admin.labels import Mark

PLAN: Mapping[str, Mark] = {
    "draft": Mark("idle", "pencil", _l("草稿")),
    "active": Mark("info", "refresh", _l("进行中")),
    "closed": Mark("idle", "check", _l("已结束")),
}
SOURCE: Mapping[str, Any] = {
    "calendar": _l("官方日历"),
    "rule": _l("固定日期"),
    "own": _l("员工填写"),
}


def season_text(code: str) -> str:
    """The season a plan was made for; an own one was named by staff."""
    return str(planning.season_word(code))


def explain_text(explain: Mapping[str, Any]) -> list[str]:
    """Where a forecast comes from, a sentence a step."""
    daily, days = explain.get("daily", 0), explain.get("days", 0)
    first = {
        "own": _("平时每天 %(n)s 件（最近 %(days)s 个平常日，压平个别高峰）", n=daily, days=days),
        "blended": _("上架不久：自己 %(days)s 天与同类新品折中，每天 %(n)s 件", n=daily, days=days),
        "newcomers": _("还没有销量：按同类新品，每天 %(n)s 件", n=daily),
        "none": _("没有历史，也没有同类新品可参照"),
    }  # fmt: skip
    told = [str(first.get(str(explain.get("from")), ""))]
    trend = float(explain.get("trend", 1))
    if abs(trend - 1) >= 0.01:
        share = texts.percent_text(abs(trend - 1) * 100, 0)
        told.append(
            str(_("趋势上升 %(p)s", p=share) if trend > 1 else _("趋势下降 %(p)s", p=share))
        )
    told += [_season(season) for season in explain.get("seasons", ())]
    return [sentence for sentence in told if sentence]


def _season(season: Mapping[str, Any]) -> str:
    kin = {
        "name": planning.season_word(str(season["kind"])), "x": season["uplift"],
        "kin": season["category"], "all": season["overall"],
    }  # fmt: skip
    if season.get("own") is None:
        return str(
            _("%(name)s：%(x)s 倍。自己没有往年数据，参照同类 %(kin)s 倍、全站 %(all)s 倍", **kin)
        )
    own = {
        "own": season["own"], "n": season["seasons"], "sold": f"{season['sold']:,}",
        "w": texts.percent_text(float(season["weight"]) * 100, 0),
    }  # fmt: skip
    return str(
        _(
            "%(name)s：%(x)s 倍。往年 %(n)s 次自己是平时的 %(own)s 倍"
            "（卖出 %(sold)s 件，占 %(w)s），其余参照同类 %(kin)s 倍、全站 %(all)s 倍",
            **kin,
            **own,
        )
    )


def behind_mark(progress: Any) -> Mark:
    """Whether a plan keeps up."""
    if progress is None:
        return Mark("idle", "clock", _("未开始"))
    if progress.behind:
        return Mark("warn", "alert-triangle", _("落后"))
    done = progress.done >= progress.planned
    return Mark("ok", "circle-check", _("已备齐") if done else _("按进度"))


def share_text(share: float | None) -> str:
    """A share of one as percent."""
    return texts.percent_text(None if share is None else share * 100, 1)
