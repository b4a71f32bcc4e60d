"""A stand-in for a supplier on 卡卡云 v3: real protocol, invented goods."""

from .app import KakayunSimulator

__all__ = ["KakayunSimulator"]
