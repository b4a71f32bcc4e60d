"""What a native key's order is told with: Standard Webhooks, signed by the key's own secrets."""

from __future__ import annotations

from kameng.openapi.services.callers import secrets_of
from kameng.webhooks import api as webhooks


def build(facts: webhooks.DeliveryFacts) -> webhooks.Outgoing | None:
    """The request; None when the key is revoked: nobody could check it. Station scope."""
    secrets = secrets_of(facts.station_id, facts.api_key_id)
    if not secrets:
        return None
    return webhooks.standard_request(
        facts, [webhooks.secret_text(secret.encode()) for secret in secrets]
    )


def register() -> None:
    """Say how it is written, for the process that sends."""
    webhooks.register_format("native", build, webhooks.STANDARD_SCHEDULE_S, webhooks.is_success)
