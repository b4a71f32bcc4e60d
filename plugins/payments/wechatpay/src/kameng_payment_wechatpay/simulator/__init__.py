"""A stand-in for WeChat Pay: real protocol, pretended money."""

from .app import WechatSimulator

__all__ = ["WechatSimulator"]
