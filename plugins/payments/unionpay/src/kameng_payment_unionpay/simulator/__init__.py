"""A stand-in for UnionPay's gateway: real protocol, pretended money."""

from .app import UnionpaySimulator

__all__ = ["UnionpaySimulator"]
