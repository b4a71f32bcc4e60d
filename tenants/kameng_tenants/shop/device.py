"""Where the shopper's browser runs, by what it says of itself. Nothing depends on it being true."""

from __future__ import annotations

from flask import request

from kameng_sdk.payments import Device

PHONES = ("iphone", "android", "mobile", "harmonyos")


def current_device() -> Device:
    """The device of this request."""
    return device_of(request.headers.get("User-Agent", ""))


def device_of(agent: str) -> Device:
    """The device that a User-Agent tells: WeChat, Alipay, a phone, else a desktop."""
    lower = agent.lower()
    if "micromessenger" in lower:
        # Also on computers, where WeChat's own browser pays inside the app as well.
        return Device.WECHAT
    if "alipayclient" in lower:
        return Device.ALIPAY
    if any(word in lower for word in PHONES):
        return Device.PHONE
    return Device.DESKTOP
