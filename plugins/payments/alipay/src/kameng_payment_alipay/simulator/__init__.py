"""A stand-in for Alipay's gateway: real protocol, pretended money."""

from .app import AlipaySimulator

__all__ = ["AlipaySimulator"]
