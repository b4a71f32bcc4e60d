"""What a failed job leaves behind: one line, without parameters of statements."""

from __future__ import annotations


class ActorFailed(Exception):
    """An actor failed; the text is a summary that may be stored and shown to staff."""


def summary(error: BaseException) -> str:
    """Type and first line. The following lines of database errors hold values of rows."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
