"""The formats this process knows; dialects add theirs when they are loaded."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kameng.webhooks.domain.events import body_of
from kameng.webhooks.domain.outgoing import DeliveryFacts, Formats, Outgoing
from kameng.webhooks.domain.signing import sign
from kameng.webhooks.domain.trying import STANDARD_SCHEDULE_S

STANDARD = "standard"  # of endpoints; written here, since only we have their secrets

formats = Formats()
register_format = formats.register


def standard_request(facts: DeliveryFacts, secrets: Sequence[str]) -> Outgoing:
    """The request of Standard Webhooks, signed now with each of the secrets (``whsec_…``)."""
    body = body_of(facts.payload)
    headers = {
        "Content-Type": "application/json",
        **sign(secrets, facts.message_no, int(time.time()), body),
    }
    return Outgoing("POST", headers, body, hidden=tuple(secrets))


def schedule_of(name: str) -> Sequence[int]:
    """Seconds before each try; what nobody here knows yet is tried as a standard one."""
    known = formats.find(name)
    return known.schedule_s if known else STANDARD_SCHEDULE_S
