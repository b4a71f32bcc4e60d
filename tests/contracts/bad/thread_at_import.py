"""Leaves a thread running when it is imported."""

import threading
import time

from example_supplier.plugin import kameng_manifest, kameng_simulators, kameng_suppliers

__all__ = ["kameng_manifest", "kameng_simulators", "kameng_suppliers"]

threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()
