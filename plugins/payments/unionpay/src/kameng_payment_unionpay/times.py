"""UnionPay's clock: Beijing time without saying so, and sometimes without a year."""

from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))


def stamp(moment: datetime) -> str:
    """YYYYMMDDhhmmss in Beijing."""
    return moment.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def moment(text: str) -> datetime | None:
    """The inverse of `stamp` (aware, UTC), or None."""
    if not (len(text) == 14 and text.isascii() and text.isdecimal()):
        return None
    try:
        local = datetime.strptime(text, "%Y%m%d%H%M%S")
    except ValueError:
        return None
    return local.replace(tzinfo=BEIJING).astimezone(UTC)


def without_year(text: str, near: date) -> datetime | None:
    """MMDDhhmmss of the year in which it is closest to `near` (aware, UTC), or None."""
    found = [moment(f"{year}{text}") for year in (near.year - 1, near.year, near.year + 1)]
    noon = datetime(near.year, near.month, near.day, 12, tzinfo=BEIJING)
    usable = [candidate for candidate in found if candidate is not None]
    return min(usable, key=lambda candidate: abs(candidate - noon), default=None)
