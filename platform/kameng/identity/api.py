"""People for other contexts and for the faces."""

from __future__ import annotations
