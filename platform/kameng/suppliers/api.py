"""What other contexts and the faces may use of suppliers."""

from __future__ import annotations

__all__: list[str] = []
