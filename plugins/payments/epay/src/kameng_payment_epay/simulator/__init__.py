"""A stand-in for an epay gateway: real protocol, pretended money."""

from .app import EpaySimulator

__all__ = ["EpaySimulator"]
