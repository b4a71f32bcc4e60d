"""What a supplier is told about its scorecard: the newest one, the history, what to improve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db

METRIC_WORDS: dict[str, tuple[Any, Any]] = {  # metric → (name, how to do better)
    "success": (_l("采购成功率"), _l("没货的商品先下架，库存填准")),
    "on_time": (_l("按时发货率"), _l("值班时间内尽快发货")),
    "time_outs": (_l("接口超时率"), _l("检查接口速度，必要时联系主站调整")),
    "stock_accuracy": (_l("库存准确率"), _l("库存变动后马上更新")),
    "after_sales": (_l("售后响应率"), _l("纠纷单在期限内答复")),
    "price_stability": (_l("价格稳定"), _l("少调价，调价前先说一声")),
    "complaints": (_l("投诉率"), _l("减少无效卡和未到账")),
    "papers": (_l("资质齐全"), _l("到期前上传新的证照")),
}


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric: its value and what it earned of what it could."""

    metric: str
    word: Any
    hint: Any
    value: Any
    points: int
    weight: int

    @property
    def lacking(self) -> bool:
        """Whether less than nine tenths of the points were earned."""
        return self.points * 10 < self.weight * 9


@dataclass(frozen=True, slots=True)
class ScoreView:
    """One scorecard; `score` None: too few purchases to judge."""

    at: datetime
    purchases: int
    score: int | None
    grade: str | None
    metrics: Sequence[MetricView]


_LIST = text(
    "SELECT at, purchases, score, grade, metrics FROM supplier_score"
    " WHERE supplier_id = :supplier ORDER BY at DESC, id DESC LIMIT :limit"
)


def scorecards(supplier_id: int, limit: int = 60) -> Sequence[ScoreView]:
    """Newest first; the supplier's own scope or main."""
    rows = db.session.execute(_LIST, {"supplier": supplier_id, "limit": limit})
    return [
        ScoreView(row.at, row.purchases, row.score, row.grade, _metrics(row.metrics))
        for row in rows
    ]


def _metrics(given: Mapping[str, Any]) -> list[MetricView]:
    found = []
    for name, (word, hint) in METRIC_WORDS.items():
        one = given.get(name)
        if isinstance(one, dict):
            points, weight = int(one.get("points") or 0), int(one.get("weight") or 0)
            found.append(MetricView(name, word, hint, one.get("value"), points, weight))
    return found
