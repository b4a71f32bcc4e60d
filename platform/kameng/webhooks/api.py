"""What other contexts and the faces may use of webhooks."""

from kameng.webhooks.domain.events import EVENTS, TEST, event_payload
from kameng.webhooks.domain.outgoing import DeliveryFacts, Outgoing
from kameng.webhooks.domain.signing import secret_text, sign
from kameng.webhooks.domain.trying import STANDARD_SCHEDULE_S, is_success
from kameng.webhooks.services.addresses import check_url
from kameng.webhooks.services.claiming import claim_due, due_of
from kameng.webhooks.services.delivering import send_delivery
from kameng.webhooks.services.desk import (
    DeliveryHealth,
    StoppedEndpoint,
    TroubledDelivery,
    delivery_health,
    stopped_endpoints,
    troubled_deliveries,
)
from kameng.webhooks.services.endpoints import (
    MOST,
    EndpointView,
    add_endpoint,
    change_endpoint,
    endpoint_of,
    endpoints_of,
    pause_endpoint,
    remove_endpoint,
    resume_endpoint,
    rotate_secret,
)
from kameng.webhooks.services.formats import register_format, standard_request
from kameng.webhooks.services.happenings import (
    send_test,
    tell_order,
    tell_refund_request,
    tell_top_up,
)
from kameng.webhooks.services.log import (
    DeliveryPage,
    DeliveryView,
    TryView,
    deliveries,
    prune,
    replay,
    replay_failed,
)
from kameng.webhooks.services.sealing import reseal_all
from kameng.webhooks.services.telling import DUE_TOPIC, announce

__all__ = [
    "DUE_TOPIC", "EVENTS", "MOST", "STANDARD_SCHEDULE_S", "TEST", "DeliveryFacts", "DeliveryHealth",
    "DeliveryPage", "DeliveryView", "EndpointView", "Outgoing", "StoppedEndpoint",
    "TroubledDelivery", "TryView", "add_endpoint", "announce", "change_endpoint", "check_url",
    "claim_due", "deliveries", "delivery_health", "due_of", "endpoint_of", "endpoints_of",
    "event_payload", "is_success", "pause_endpoint", "prune", "register_format", "remove_endpoint",
    "replay", "replay_failed", "reseal_all", "resume_endpoint", "rotate_secret", "secret_text",
    "send_delivery", "send_test", "sign", "standard_request", "stopped_endpoints", "tell_order",
    "tell_refund_request", "tell_top_up", "troubled_deliveries",
]  # fmt: skip
