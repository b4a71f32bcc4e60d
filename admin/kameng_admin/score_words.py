"""Scorecards in words: metrics, their values, and what moved a grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng_admin import texts
from kameng_admin.labels import Mark

METRIC: Mapping[str, Any] = {
    "success": _l("成功率"),
    "on_time": _l("按时到货"),
    "time_outs": _l("无应答"),
    "stock_accuracy": _l("库存准确"),
    "after_sales": _l("售后响应"),
    "price_stability": _l("价格波动"),
    "complaints": _l("投诉率"),
    "papers": _l("资质"),
}
METRIC_HELP: Mapping[str, Any] = {
    "success": _l("成功的采购占已结束的采购"),
    "on_time": _l("发出后在时限内到货的占成功的"),
    "time_outs": _l("没有得到可用答复的占发出的"),
    "stock_accuracy": _l("说有货却答无货的越少越高"),
    "after_sales": _l("纠纷在期限内首次答复的占比"),
    "price_stability": _l("每日成本的变异系数，加上没有预告的涨价"),
    "complaints": _l("判定成立的纠纷占成功的采购"),
    "papers": _l("证照齐全且都在有效期内"),
}
GRADE: Mapping[str | None, Mark] = {
    "A": Mark("ok", "star", "A"),
    "B": Mark("ok", "circle-check", "B"),
    "C": Mark("warn", "alert-triangle", "C"),
    "D": Mark("bad", "alert-circle", "D"),
    None: Mark("idle", "hourglass", _l("未评级")),
}
STATE: Mapping[str, Mark] = {
    "active": Mark("ok", "circle-check", _l("合作中")),
    "paused": Mark("bad", "player-pause", _l("已暂停")),
}


def value_text(metric: str, value: float | None) -> str:
    """A metric's value as people read it."""
    if value is None:
        return "—"
    if metric == "papers":
        return str(_("齐全") if value >= 1 else _("缺或过期"))
    return texts.percent_text(value * 100, 1)


def count_text(line: Mapping[str, Any]) -> str:
    """The counts behind a value: `34 / 40`; the times of arrival besides."""
    parts = [f"{line['part']:,} / {line['whole']:,}"] if line.get("whole") else []
    if line.get("p50_s") is not None:
        parts.append(
            _(
                "一半 %(p50)s 内，95%% %(p95)s 内",
                p50=texts.duration_text(line["p50_s"]), p95=texts.duration_text(line["p95_s"]),
            )
        )  # fmt: skip
    return " · ".join(parts)


def rate_text(points: int) -> str:
    """Basis points as percent."""
    return texts.percent_text(points / 100, 1)


def reason_text(reason: Mapping[str, Any]) -> str:
    """One reason of a card as a sentence."""
    code = str(reason.get("code", ""))
    value, limit = int(reason.get("value") or 0), int(reason.get("limit") or 0)
    if code == "points":
        word = METRIC.get(str(reason["metric"]), reason["metric"])
        return str(
            _("%(what)s %(old)s → %(new)s 分", what=word, old=reason["from"], new=reason["to"])
        )
    if code == "grade":
        none = _("未评级")
        old, new = reason["from"] or none, reason["to"] or none
        return str(_("等级 %(old)s → %(new)s", old=old, new=new))
    sentences = {
        "too_few": _("采购 %(n)s 次，不足 %(limit)s 次，暂不评级", n=value, limit=limit),
        "fixed": _("等级由员工固定，评分不改动"),
        "held": _("近期降级还在观察中，最高 C"),
        "recent_success": _(
            "近期成功率 %(rate)s，低于 %(limit)s，立即降级",
            rate=rate_text(value), limit=rate_text(limit),
        ),
        "paused": _(
            "近期成功率 %(rate)s，低于 %(limit)s，已暂停采购",
            rate=rate_text(value), limit=rate_text(limit),
        ),
        "recovered": _("近期成功率恢复到 %(rate)s，降级解除", rate=rate_text(value)),
    }  # fmt: skip
    return str(sentences.get(code, code))


def reasons_text(reasons: Sequence[Mapping[str, Any]]) -> str:
    """All reasons on one line."""
    return "；".join(reason_text(reason) for reason in reasons)


def pause_text(why: str) -> str:
    """Why a supplier is paused: the watch's figures in words, or what a person wrote."""
    word, *facts = why.split()
    numbers = dict(fact.split("=", 1) for fact in facts if "=" in fact)
    if word == "recent_success" and {"value", "limit"} <= set(numbers):
        return reason_text({"code": "paused", **numbers})
    return why
