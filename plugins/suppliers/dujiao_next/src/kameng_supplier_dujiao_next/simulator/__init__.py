"""A stand-in for a dujiao-next site: real protocol, pretended goods."""

from .app import DujiaoSimulator

__all__ = ["DujiaoSimulator"]
