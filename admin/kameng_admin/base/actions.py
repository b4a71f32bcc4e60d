"""Doing something and coming back: one way for all buttons of the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kameng.db import db
from kameng.errors import DomainError


def attempt(deed: Callable[[], Any], done: Any, back: str) -> Response:
    """Run a use case; flash how it went and go back (303, so a reload does not repeat it)."""
    try:
        outcome = deed()
    except DomainError as error:
        if error.status >= 500:
            raise
        db.session.rollback()
        flash(error_text(error), "bad")
    else:
        flash(str(done(outcome) if callable(done) else done), "ok")
    return redirect(back, 303)


def error_text(error: DomainError) -> str:
    """The sentence of a refusal; its code only when nobody wrote a sentence."""
    return str(error.message) or _("没有完成（%(code)s）", code=error.code)


def reason_given(raw: str | None, least: int = 2) -> str:
    """A reason typed by a person; raises DomainError when it is missing."""
    reason = " ".join((raw or "").split())[:200]
    if len(reason) < least:
        raise DomainError("reason_missing", _("请写明原因，会写进审计日志"))
    return reason
