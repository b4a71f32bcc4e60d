"""A stand-in for a 亿乐 site: real protocols, pretended goods."""

from .app import YileSimulator

__all__ = ["YileSimulator"]
