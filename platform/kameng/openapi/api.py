"""What other contexts and the faces may use of the open API."""

from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import RefundRequestFacts
from kameng.openapi.services.refund_desk import (
    RefundRequestView,
    accept_refund_request,
    decline_refund_request,
    open_refund_requests,
    refund_request,
    station_refund_requests,
)
from kameng.openapi.services.refund_requests import (
    refund_requests_of,
    request_refund,
    requests_of_order,
    withdraw_refund_request,
)

__all__ = [
    "Caller", "RefundRequestFacts", "RefundRequestView", "accept_refund_request",
    "decline_refund_request", "open_refund_requests", "refund_request", "refund_requests_of",
    "request_refund", "requests_of_order", "station_refund_requests", "withdraw_refund_request",
]  # fmt: skip
