"""What goes wrong in operations, said in words with a way out."""

from __future__ import annotations


class OpsError(Exception):
    """Something on this machine is not as needed; `remedy` says what the reader can do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class Stopped(Exception):
    """The user asked to stop while something was still starting."""
