"""The station's own console at /console/."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("console", __name__)
