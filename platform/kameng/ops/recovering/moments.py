"""Moments as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kameng.ops.errors import OpsError


def read_moment(text: str, timezone: str) -> datetime | None:
    """The moment of ``--to``, None for `latest`; without an offset in the given zone."""
    if text == "latest":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OpsError(
            f"{text!r} is no moment.", 'Write it as "2026-01-31 14:05:00", or `latest`.'
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    if moment > datetime.now(UTC):
        raise OpsError(f"{moment} has not been yet.")
    return moment.astimezone(UTC)
