"""What a normal day sells: a robust level, factors of the weekdays, a capped trend. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

DAY = timedelta(days=1)
BASE_DAYS = 28
LOOK_BACK = 84  # so far back normal days are looked for
PEAK = 3  # a day above this many times a usual selling day counts as that
TREND_BOUNDS = (0.8, 1.25)
TREND_PIECES = 50  # with so many pieces sold, half of a trend is believed
WEEKDAY_PIECES = 10  # so many expected pieces of a weekday make it believed by half

Sales = Mapping[date, int]
IsNormal = Callable[[date], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Pieces a normal day sells; `weekday` are factors, Monday first, that average 1.

    `noise` is variance by mean of the days: 1 when sales come singly, more when in bursts.
    """

    daily: float
    weekday: Sequence[float]
    trend: float
    noise: float
    days: int

    def on(self, day: date) -> float:
        """Pieces to be expected on a normal day of that weekday."""
        return self.daily * self.trend * self.weekday[day.weekday()]


def level_before(sales: Sales, day: date, on_sale_since: date, is_normal: IsNormal) -> Level:
    """The level as it stood before `day`, from the last normal days that the SKU was on sale."""
    days = normal_days(day, on_sale_since, is_normal)
    sold = [sales.get(each, 0) for each in days]
    calm = without_peaks(sold)
    daily = sum(calm) / len(calm) if calm else 0.0
    return Level(
        daily=daily, weekday=_weekday_factors(days, calm), trend=_trend(calm),
        noise=_noise(calm, daily), days=len(days),
    )  # fmt: skip


def normal_days(before: date, on_sale_since: date, is_normal: IsNormal) -> list[date]:
    """The last 28 days outside every season, newest first, not further back than 12 weeks."""
    earliest = max(on_sale_since, before - LOOK_BACK * DAY)
    found: list[date] = []
    day = before - DAY
    while day >= earliest and len(found) < BASE_DAYS:
        if is_normal(day):
            found.append(day)
        day -= DAY
    return found


def without_peaks(sold: Sequence[int]) -> list[float]:
    """Single days far above the usual one are cut down to three times that."""
    selling = [number for number in sold if number > 0]
    if not selling:
        return [0.0] * len(sold)
    most = PEAK * median(selling)
    return [float(min(number, most)) for number in sold]


def _weekday_factors(days: Sequence[date], sold: Sequence[float]) -> list[float]:
    if not sum(sold):
        return [1.0] * 7
    mean = sum(sold) / len(sold)
    raw = []
    for weekday in range(7):
        mine = [n for day, n in zip(days, sold, strict=True) if day.weekday() == weekday]
        expected = mean * len(mine)
        raw.append((sum(mine) + WEEKDAY_PIECES) / (expected + WEEKDAY_PIECES))
    average = sum(raw) / 7
    return [factor / average for factor in raw]


def _trend(newest_first: Sequence[float]) -> float:
    """From the middle of the days to now: the root of the newer half by the older one."""
    half = len(newest_first) // 2
    newer, older = sum(newest_first[:half]), sum(newest_first[half : 2 * half])
    if not half or not newer or not older:
        return 1.0
    total = newer + older
    change = float((newer / older) ** 0.5) - 1
    believed = 1 + change * total / (total + TREND_PIECES)
    return min(max(believed, TREND_BOUNDS[0]), TREND_BOUNDS[1])


def _noise(sold: Sequence[float], mean: float) -> float:
    if not mean or len(sold) < 2:
        return 1.0
    variance = sum((number - mean) ** 2 for number in sold) / (len(sold) - 1)
    return max(1.0, variance / mean)
