"""gunicorn's configuration for the simulators: one process, as their state is theirs alone."""

from __future__ import annotations

import os

from kameng.ops.gunicorn_hooks import worker_exit

__all__ = ["worker_exit"]

_port = int(os.environ.get("KAMENG_PORT", "8000")) + 1
bind = f"{os.environ.get('KAMENG_BIND', '127.0.0.1')}:{_port}"
worker_class = "gthread"
workers = 1
threads = 16
control_socket_disable = True
timeout = 60
graceful_timeout = 3
keepalive = 15
proc_name = "kameng-simulators"
