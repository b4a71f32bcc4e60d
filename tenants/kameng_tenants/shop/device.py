"""Where the shopper's browser runs, by what it says of itself. Nothing depends on it being true."""

from __future__ import annotations

from flask import request

from kameng.payments.api import device_of
from kameng_sdk.payments import Device


def current_device() -> Device:
    """The device of this request."""
    return Device(device_of(request.headers.get("User-Agent", "")))
