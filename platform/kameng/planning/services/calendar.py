"""The public calendar of China, and the day it is there."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from chinese_calendar.constants import Holiday, holidays

from kameng.planning.domain.seasons import FESTIVALS

CHINA = ZoneInfo("Asia/Shanghai")


@cache
def days_off() -> MappingProxyType[date, str]:
    """Each day off with its festival, as far as the state has announced them."""
    named = {day: Holiday(holiday).name for day, holiday in holidays.items()}
    return MappingProxyType({day: name for day, name in named.items() if name in FESTIVALS})


def last_year() -> int:
    """The last year that has data; later ones are announced each November."""
    return max(day.year for day in days_off())


def today() -> date:
    """The day in China."""
    return datetime.now(CHINA).date()
