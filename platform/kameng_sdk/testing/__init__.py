"""What a plugin's tests need: a way out, a clock, a call, and simulators that answer over HTTP."""

from kameng_sdk.testing.calls import DirectHttp, HandClock, call_context, plugin_config
from kameng_sdk.testing.scenes import LeverRefused, Merchant, Scene, simulating
from kameng_sdk.testing.serving import Served, mounted, wait_for
from kameng_sdk.testing.supplies import SupplyScene

__all__ = [
    "DirectHttp",
    "HandClock",
    "LeverRefused",
    "Merchant",
    "Scene",
    "Served",
    "SupplyScene",
    "call_context",
    "mounted",
    "plugin_config",
    "simulating",
    "wait_for",
]
