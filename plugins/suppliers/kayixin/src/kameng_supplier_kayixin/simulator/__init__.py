"""A stand-in that speaks 卡易信 API 3.0 as a server."""

from .app import KayixinSimulator

__all__ = ["KayixinSimulator"]
