"""From the sign-up form to the review."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from kameng.db import db, main_scope
from kameng.errors import Conflict, NotFound
from kameng.identity import api as identity
from kameng.jobs import api as jobs
from kameng.runtime import current_settings
from kameng.stations.models import StationApplication
from kameng.stations.services import opening, rules

MAIN_STATION = 1
LOCALE = "zh_Hans_CN"  # the sign-up form does not ask for a language yet
# Without letters and digits that are mistaken for each other: people copy it from paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 12
PREFIX = "SA"


@dataclass(frozen=True, slots=True)
class Application:
    """What the applicant keeps: number and secret code of the application."""

    number: str
    code: str
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """An application as applicant and reviewer see it."""

    id: int
    number: str
    slug: str
    name: str
    theme: str
    applicant: dict[str, Any]
    owner_login: str
    state: str
    reason: str
    reviewed_by: str
    reviewed_at: datetime | None
    created_at: datetime
    opened_station_id: int | None
    host: str


def apply_station(
    slug: str,
    name: str,
    theme: str,
    applicant: Mapping[str, Any],
    owner_login: str,
    owner_password: str,
    ip: str = "",
) -> Application:
    """Hand in an application; opens a scope of its own.

    Raises `StationInvalid`, `Conflict` (taken or look-alike), `identity.PasswordRefused`; each
    with `facts["field"]`.
    """
    slug, name, theme = (
        rules.checked_slug(slug),
        rules.checked_name(name),
        rules.checked_theme(theme),
    )
    person = _checked_applicant(applicant)
    login = _checked_owner(owner_login)
    hashed = identity.hash_password(owner_password, login)
    code = "".join(secrets.choice(ALPHABET) for _step in range(CODE_LENGTH))
    with main_scope(reason="station application"):
        rules.lock_names()
        rules.refuse_taken(slug, name)
        form = StationApplication(
            station_id=MAIN_STATION,
            slug=slug,
            name=name,
            theme=theme,
            applicant=person,
            owner_login=login,
            owner_password_hash=hashed,
            query_code_hash=_digest(code),
        )
        db.session.add(form)
        db.session.flush()
        identity.audit(
            "applicant", "station.apply", f"application:{form.id}", {"slug": slug, "name": name}, ip
        )
        number = form.id
        db.session.commit()
    return Application(_number(number), code, number)


def application_status(number: str, code: str) -> ApplicationView:
    """For the applicant; raises `NotFound` for a wrong number and a wrong code alike."""
    with main_scope(reason="application status"):
        form = db.session.scalar(
            select(StationApplication).where(
                StationApplication.station_id == MAIN_STATION,
                StationApplication.id == _parse(number),
            )
        )
        known = form.query_code_hash if form else _digest("")
        if not hmac.compare_digest(known, _digest(code.strip().lower())) or form is None:
            raise NotFound("application_unknown", _l("申请编号或查询码不正确。"))
        return _view(form)


def list_applications(state: str = "") -> list[ApplicationView]:
    """For reviewers (main scope): the oldest open one first, then the newest reviewed."""
    query = select(StationApplication)
    if state:
        query = query.where(StationApplication.state == state)
    waiting = StationApplication.state == "submitted"
    rows = db.session.scalars(query.order_by(waiting.desc(), StationApplication.id).limit(500))
    return [_view(row) for row in rows]


def get_application(id: int) -> ApplicationView:
    """One application for reviewers (main scope); raises `NotFound`."""
    form = db.session.scalar(select(StationApplication).where(StationApplication.id == id))
    if form is None:
        raise NotFound("application_unknown", _l("申请不存在。"))
    return _view(form)


def approve_application(id: int, reviewer: str, ip: str = "") -> int:
    """Open the station (main scope); returns its id.

    Station, host, roles, owner account, first price rule and the event `station.opened` are one
    transaction. Raises `NotFound`, `Conflict` when it is reviewed already or the slug is gone.
    """
    rules.lock_names()
    form = _claim(id)
    rules.refuse_taken(form.slug, form.name, except_form=form.id)
    station_id = opening.open_station(
        form.station_id,
        form.slug,
        form.name,
        theme=form.theme,
        contact=rules.clean_texts(form.applicant, ("email", "phone")),
        owner_login=form.owner_login,
        owner_name=str(form.applicant.get("name", "")),
        owner_email=str(form.applicant.get("email", "")),
        owner_password_hash=form.owner_password_hash,
    )
    _close(form, "approved", reviewer, "")
    form.opened_station_id = station_id
    identity.audit(
        reviewer,
        "station.approve",
        f"station:{station_id}",
        {"application": form.id, "slug": form.slug},
        ip,
    )
    url = shop_url(form.slug)
    _notify(form, "station.approved", login=form.owner_login, link=url, console=f"{url}/console/")
    db.session.commit()
    opening.forget_hosts()
    return station_id


def reject_application(id: int, reviewer: str, reason: str, ip: str = "") -> None:
    """Refuse with a reason that the applicant reads (main scope)."""
    form = _claim(id)
    reason = reason.strip()[: rules.MAX_TEXT]
    if not reason:
        raise rules.StationInvalid("reason_missing", _l("请填写驳回原因。"), field="reason")
    _close(form, "rejected", reviewer, reason)
    identity.audit(reviewer, "station.reject", f"application:{form.id}", {"reason": reason}, ip)
    apply_again = f"{current_settings().host_url(current_settings().main_host)}/apply"
    _notify(form, "station.rejected", reason=reason, link=apply_again)
    db.session.commit()


def shop_url(slug: str) -> str:
    """Where a station of this slug answers."""
    return current_settings().host_url(opening.host_of(slug))


def _checked_applicant(raw: Mapping[str, Any]) -> dict[str, str]:
    person = rules.clean_texts(raw, rules.APPLICANT_FIELDS)
    if not person.get("name"):
        raise rules.StationInvalid(
            "applicant_name", _l("请填写联系人姓名。"), field="applicant_name"
        )
    if not (person.get("phone") or person.get("email")):
        raise rules.StationInvalid("applicant_contact", _l("请填写手机号或邮箱。"), field="phone")
    return person


def _checked_owner(login: str) -> str:
    login = identity.normalise_login(login)
    if not identity.is_staff_login(login):
        raise rules.StationInvalid(
            "login_invalid", _l("登录名只能包含字母、数字和 . _ @ -"), field="owner_login"
        )
    return login


def _claim(id: int) -> StationApplication:
    form: StationApplication | None = db.session.scalar(
        select(StationApplication).where(StationApplication.id == id).with_for_update()
    )
    if form is None:
        raise NotFound("application_unknown", _l("申请不存在。"))
    if form.state != "submitted":
        raise Conflict("application_reviewed", _l("这份申请已经审核过了。"))
    return form


def _close(form: StationApplication, state: str, reviewer: str, reason: str) -> None:
    form.state, form.reason = state, reason
    form.reviewed_by, form.reviewed_at = reviewer, func.now()


def _notify(form: StationApplication, kind: jobs.NoticeKind, **facts: str) -> None:
    subject, body = jobs.notice_text(kind, LOCALE, station=form.name, **facts)
    recipient = str(form.applicant.get("email") or "")
    key = f"station-application-{form.id}-{form.state}"
    jobs.send_notice(MAIN_STATION, kind, recipient, subject, body, key)


def _view(form: StationApplication) -> ApplicationView:
    return ApplicationView(
        id=form.id,
        number=_number(form.id),
        slug=form.slug,
        name=form.name,
        theme=form.theme,
        applicant=dict(form.applicant),
        owner_login=form.owner_login,
        state=form.state,
        reason=form.reason,
        reviewed_by=form.reviewed_by or "",
        reviewed_at=form.reviewed_at,
        created_at=form.created_at,
        opened_station_id=form.opened_station_id,
        host=opening.host_of(form.slug),
    )


def _number(id: int) -> str:
    return f"{PREFIX}{id:06d}"


def _parse(number: str) -> int:
    digits = number.strip().upper().removeprefix(PREFIX)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
