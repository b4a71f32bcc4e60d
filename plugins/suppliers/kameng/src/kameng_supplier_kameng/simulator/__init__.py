"""A stand-in for another Kameng: real protocol, pretended goods."""

from .app import KamengSimulator

__all__ = ["KamengSimulator"]
