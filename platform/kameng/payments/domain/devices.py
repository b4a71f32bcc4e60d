"""Where a browser runs, by what it says of itself."""

from __future__ import annotations

PHONES = ("android", "iphone", "ipad", "ipod", "harmonyos", "mobile")


def device_of(user_agent: str) -> str:
    """desktop, phone, wechat or alipay, as `kameng_sdk.payments.Device` calls them."""
    agent = user_agent.lower()
    if "micromessenger" in agent:
        return "wechat"
    if "alipayclient" in agent:
        return "alipay"
    return "phone" if any(word in agent for word in PHONES) else "desktop"
