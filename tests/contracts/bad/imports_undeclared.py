"""Uses a package it does not declare: it works only where somebody else needs it too."""

import httpx

from example_supplier.plugin import kameng_manifest, kameng_simulators, kameng_suppliers

__all__ = ["httpx", "kameng_manifest", "kameng_simulators", "kameng_suppliers"]
