"""A stand-in for Reloadly: real protocol, pretended goods."""

from .app import ReloadlySimulator

__all__ = ["ReloadlySimulator"]
