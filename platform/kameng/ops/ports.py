"""Is a port free? Asked before anything is started, so that the answer comes in words."""

from __future__ import annotations

import errno
import socket

from kameng.ops.errors import OpsError


def check_port(address: str, port: int, purpose: str) -> None:
    """Raise `OpsError` when `address:port` cannot be listened on."""
    if not 0 < port < 65536:
        raise OpsError(f"{port} is no port number.", "Set KAMENG_PORT to one from 1024 to 65534.")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise OpsError(
                f"Port {port} on {address} ({purpose}) cannot be used: {_words(error)}.",
                "Choose another one: KAMENG_PORT=8100 kameng up (simulators take the next port).",
            ) from error


def _words(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there"
    if error.errno == errno.EACCES:
        return "only root may use ports below 1024"
    return error.strerror or str(error)
