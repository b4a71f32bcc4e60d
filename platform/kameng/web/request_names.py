"""How a request is called in the log and in its answer."""

from __future__ import annotations

import re
from uuid import uuid4

from kameng.runtime import current_settings

NAME = re.compile(r"[A-Za-z0-9_-]{8,64}")


def request_name(given: str) -> str:
    """The name that a proxy in front has given; without a proxy the name is anybody's: our own."""
    if given and current_settings().trusted_proxies > 0 and NAME.fullmatch(given):
        return given
    return uuid4().hex
