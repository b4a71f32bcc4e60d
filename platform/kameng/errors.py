"""Errors that a person may read: a code for programs, a sentence for people, facts for both."""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """A request that the rules refuse. `message` may be a lazy translation.

    The web turns it into a flash, a page or an RFC 9457 answer with `status`.
    """

    default_status: ClassVar[int] = 400

    def __init__(
        self, code: str, message: object = "", status: int | None = None, **facts: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status or self.default_status
        self.facts = facts

    def __str__(self) -> str:
        # The sentence would need a locale; logs want the code.
        return f"{self.code} {self.facts}" if self.facts else self.code


class NotFound(DomainError):
    """The thing does not exist, or not for this caller."""

    default_status = 404


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    default_status = 403


class Conflict(DomainError):
    """The state of the thing has moved on, or a unique name is taken."""

    default_status = 409


class TooMany(DomainError):
    """A limit on attempts is used up; `facts["retry_after"]` is in seconds."""

    default_status = 429


class Unavailable(DomainError):
    """A part that this needs does not answer at the moment."""

    default_status = 503
