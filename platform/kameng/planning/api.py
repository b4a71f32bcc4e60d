"""What other contexts and the faces may use of planning."""

from __future__ import annotations

from kameng.planning.domain.forecasting import LONGEST, Forecast
from kameng.planning.domain.plans import Progress
from kameng.planning.domain.seasons import Festival, Window
from kameng.planning.services.calendar import last_year, today
from kameng.planning.services.forecasting import (
    Backtest,
    Outlook,
    SkuForecast,
    backtest,
    outlook,
)
from kameng.planning.services.plans import (
    Edit,
    add_line,
    close_plan,
    drop_line,
    drop_plan,
    make_plan,
    save_lines,
    start_plan,
    supplier_choices,
)
from kameng.planning.services.progress import (
    LineView,
    PlanView,
    plan,
    plan_lines,
    plans,
    sheet_of,
    watch_plans,
)
from kameng.planning.services.seasons import (
    SeasonYear,
    add_season,
    drop_season,
    own_seasons,
    season_word,
    season_years,
    window_of,
    windows_between,
)

__all__ = [
    "LONGEST", "Backtest", "Edit", "Festival", "Forecast", "LineView", "Outlook", "PlanView",
    "Progress", "SeasonYear", "SkuForecast", "Window", "add_line", "add_season", "backtest",
    "close_plan", "drop_line", "drop_plan", "drop_season", "last_year", "make_plan", "outlook",
    "own_seasons", "plan", "plan_lines", "plans", "save_lines", "season_word", "season_years",
    "sheet_of", "start_plan", "supplier_choices", "today", "watch_plans", "window_of",
    "windows_between",
]  # fmt: skip
