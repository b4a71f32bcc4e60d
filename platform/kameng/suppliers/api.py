"""What other contexts and the faces may use of suppliers."""

from __future__ import annotations

from kameng.suppliers.domain.scoring import METRICS, Rule
from kameng.suppliers.services.recently import resume_supplier, watch_recent
from kameng.suppliers.services.score_rules import (
    ScoreRules,
    ScoreTerms,
    check_score_rules,
    save_score_rules,
    score_rules,
)
from kameng.suppliers.services.score_views import (
    ScoreLine,
    ScorePoint,
    score_history,
    score_line,
    score_list,
)
from kameng.suppliers.services.scoring import (
    Preview,
    compute_score,
    compute_scores,
    preview_grades,
)

__all__ = [
    "METRICS", "Preview", "Rule", "ScoreLine", "ScorePoint", "ScoreRules", "ScoreTerms",
    "check_score_rules", "compute_score", "compute_scores", "preview_grades", "resume_supplier",
    "save_score_rules", "score_history", "score_line", "score_list", "score_rules", "watch_recent",
]  # fmt: skip
