"""Alipay writes and reads Beijing time without saying so."""

from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
FORMAT = "%Y-%m-%d %H:%M:%S"


def beijing_text(moment: datetime) -> str:
    """An aware moment as Alipay writes it, whatever the machine's zone."""
    return moment.astimezone(BEIJING).strftime(FORMAT)


def beijing_time(text: str) -> datetime | None:
    """Aware, UTC; None for anything but a moment."""
    try:
        local = datetime.strptime(text, FORMAT)
    except ValueError:
        return None
    return local.replace(tzinfo=BEIJING).astimezone(UTC)
