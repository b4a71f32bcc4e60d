"""Who is at the portal: the session, bound to supplier and person, and the scope around a page."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast
from urllib.parse import quote

from flask import g, redirect, request
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng.db import supplier_scope
from kameng.errors import Unavailable
from kameng.suppliers import api as suppliers
from kameng.web.sessions import current_session, sessions_work

P = ParamSpec("P")
R = TypeVar("R")
HOME, LOGIN, SECOND = "/supplier/", "/supplier/login", "/supplier/second-factor"


def start_session(person: suppliers.Person) -> None:
    """A new session for somebody who has just proved who they are."""
    if not sessions_work():
        raise Unavailable("sessions_down", _l("登录服务暂时不可用，请稍后再试。"))
    current = current_session()
    current.start("supplier", person.id, person.mark)
    current["supplier"] = person.supplier_id
    g.person = person


def present() -> suppliers.Person | None:
    """Who this session belongs to, if it still counts."""
    current = current_session()
    owner = current.owner if current.sid else None
    if owner is None or owner[0] != "supplier":
        return None
    found = suppliers.find_person(int(current.get("supplier", 0)), owner[1])
    # The mark changes with password and second factor: sessions from before are worth nothing.
    if found and hmac.compare_digest(found.mark, str(current.record.get("mark", ""))):
        return found
    current.start()
    return None


def here() -> suppliers.Person:
    """The person of this page; only inside `inside`."""
    return cast(suppliers.Person, g.person)


def inside(view: Callable[P, R]) -> Callable[P, R | BaseResponse]:
    """Let people with both factors in, and run the page in their supplier's own scope."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | BaseResponse:
        person = present()
        if person is None:
            back = request.full_path.rstrip("?") if request.method == "GET" else ""
            return redirect(f"{LOGIN}?next={quote(back, safe='/')}" if back else LOGIN)
        if not person.has_totp:
            return redirect(SECOND)
        g.person = person
        with supplier_scope(person.supplier_id):
            return view(*args, **kwargs)

    return guarded
