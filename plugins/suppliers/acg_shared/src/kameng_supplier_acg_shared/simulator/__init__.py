"""A stand-in for an acg-faka store: real protocols, pretended goods."""

from .app import AcgSimulator

__all__ = ["AcgSimulator"]
