"""A refusal of the catalogue as an error."""

from __future__ import annotations

from typing import Any

from flask_babel import get_locale

from kameng.errors import DomainError
from kameng.openapi.domain.refusals import REFUSALS


def refused(code: str, **facts: Any) -> DomainError:
    """The error of a code: its status, its sentence in the reader's language, and facts."""
    known = REFUSALS[code]
    words = known.english if str(get_locale() or "").startswith("en") else known.chinese
    return DomainError(code, words, known.status, **facts)
