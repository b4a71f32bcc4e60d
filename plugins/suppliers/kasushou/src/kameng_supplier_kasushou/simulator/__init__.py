"""A stand-in that speaks 卡速售 2.0 as a server."""

from .app import KasushouSimulator

__all__ = ["KasushouSimulator"]
