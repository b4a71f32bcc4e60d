"""Refusals as errors: the catalogue's status and sentence."""

from __future__ import annotations

from typing import Any

from kameng.errors import DomainError
from kameng.openapi.domain.refusals import REFUSALS


class ApiRefused(DomainError):
    """A request that the open API refuses; nothing has changed."""


def refused(code: str, **facts: Any) -> ApiRefused:
    """The error for a code of the catalogue; raises `KeyError` for any other."""
    found = REFUSALS[code]
    return ApiRefused(code, found.chinese, status=found.status, **facts)
