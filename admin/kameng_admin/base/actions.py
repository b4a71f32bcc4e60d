"""Doing something and coming back: one way for all buttons of the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, g, redirect, request, session
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kameng.db import db
from kameng.errors import DomainError

TYPED = "console_typed"
KEPT = (
    "reason",
    "text",
    "cost",
    "decision",
    "state",
    "amount",
    "ref",
    "pair",
)  # words for people, never a secret
LONGEST = 4000


def attempt(deed: Callable[[], Any], done: Any, back: str, again: str = "") -> Response:
    """Run a use case; flash how it went and go back (303, so a reload does not repeat it).

    `again` is where a refused form stands with what was typed, when that is another page.
    """
    try:
        outcome = deed()
    except DomainError as error:
        if error.status >= 500:
            raise
        db.session.rollback()
        back = again or back
        keep_typed(back)
        flash(error_text(error), "bad")
    else:
        flash(str(done(outcome) if callable(done) else done), "ok")
    return redirect(back, 303)


def keep_typed(back: str) -> None:
    """What was typed into a form that was refused, for the one page it goes back to."""
    words = {
        name: value[:LONGEST]
        for name, value in request.form.items()
        if name in KEPT and value.strip()
    }
    if words:
        session[TYPED] = {"page": back, "words": words}


def typed(name: str, default: str = "") -> str:
    """The value of a field that came back refused, else the default (for templates)."""
    if "console_typed" not in g:
        kept = session.pop(TYPED, None) or {}
        here = kept.get("page") == request.full_path.rstrip("?")
        g.console_typed = kept.get("words", {}) if here else {}
    return str(g.console_typed.get(name, default))


def forget_typed() -> None:
    """The thing that the words were for is gone: they must not land at another one."""
    session.pop(TYPED, None)


def error_text(error: DomainError) -> str:
    """The sentence of a refusal; its code only when nobody wrote a sentence."""
    return str(error.message) or _("没有完成（%(code)s）", code=error.code)


def reason_given(raw: str | None, least: int = 2) -> str:
    """A reason typed by a person; raises DomainError when it is missing."""
    reason = " ".join((raw or "").split())[:200]
    if len(reason) < least:
        raise DomainError("reason_missing", _("请写明原因，会写进审计日志"))
    return reason
