"""Addresses that members give us to call: what can never be used is refused at once."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.plugins import api as plugins
from kameng_sdk.errors import HttpAddressRefused

LONGEST = 500


def check_url(url: str) -> str:
    """The address without spaces around it, when it may be one; asks no name server.

    Raises `DomainError` notify_url_invalid for another scheme than http(s), a login, a port other
    than 80 and 443, and what is private as it stands. Names are judged when they are called.
    """
    given = url.strip()
    try:
        if not given or len(given) > LONGEST:
            raise HttpAddressRefused("empty or too long")
        plugins.judge_address(given)
    except HttpAddressRefused as refusal:
        raise DomainError(
            "notify_url_invalid",
            _l("这个地址用不了：要以 http:// 或 https:// 开头，能从公网访问，不带端口和账号密码。"),
            reason=str(refusal),
        ) from None
    return given
