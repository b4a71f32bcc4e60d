"""Whether this database was restored and the world outside has not been asked yet.

Meanwhile nothing is sold, delivered, bought, given back or paid out: guarded functions refuse it,
and services that call out ask here first. `kameng recovery` and the console end it.
"""

from __future__ import annotations

from kameng.db import run


def active() -> bool:
    """Whether a recovery lasts; in the open scope, of whatever kind."""
    return bool(run("recovering")[0]["active"])
