"""The main station's console at /admin/. `init_app` is all that the composition root needs."""

from kameng_admin.setup import init_app

__all__ = ["init_app"]
