"""gunicorn's configuration, for `kameng up` and for deployments alike.

Environment: KAMENG_BIND, KAMENG_PORT, KAMENG_WEB_WORKERS, KAMENG_WEB_THREADS, KAMENG_LOG_LEVEL.
"""

from __future__ import annotations

import os
import select
from pathlib import Path

from kameng.ops.gunicorn_hooks import when_ready, worker_exit

__all__ = ["when_ready", "worker_exit"]

bind = f"{os.environ.get('KAMENG_BIND', '127.0.0.1')}:{os.environ.get('KAMENG_PORT', '8000')}"
# The way of Linux to wait; elsewhere gunicorn's own threads do.
worker_class = "kameng.ops.web_worker.WaitingThreads" if hasattr(select, "epoll") else "gthread"
workers = int(os.environ.get("KAMENG_WEB_WORKERS", "2"))
threads = int(os.environ.get("KAMENG_WEB_THREADS", "8"))
# Its default path is shared by every gunicorn of the user.
control_socket_disable = True
# A heartbeat file on a disk can stall behind the disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# Imported once and forked: a killed worker is back at once. Nothing may connect while importing.
preload_app = True
timeout = 60
graceful_timeout = 15
keepalive = 15
# A new worker begins with nothing remembered, and meanwhile the others have its connections.
max_requests = 200_000
max_requests_jitter = 40_000
# Forwarded headers are judged by the application (KAMENG_TRUSTED_PROXIES), not here.
forwarded_allow_ips = "127.0.0.1"
loglevel = os.environ.get("KAMENG_LOG_LEVEL", "INFO").lower()
accesslog = None  # the application logs requests, without secrets in query strings
proc_name = "kameng-web"
