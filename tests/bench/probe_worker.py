"""`dramatiq tests.bench.probe_worker`: the product's worker, which knows the probe as well."""

from __future__ import annotations

from tests.bench import probe  # first: the broker takes what has been declared

from kameng.worker import broker

__all__ = ["broker", "probe"]
