"""Which addresses a plugin may reach: public ones only. Resolve once, check, connect to that."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from kameng_sdk.errors import HttpAddressRefused, HttpNeverSent

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = {"http": 80, "https": 443}

# `ipaddress` calls some of these global (docs/plugins/calls.md): tunnels and translations that end
# at a private address, and multicast.
REFUSED_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4",
        "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/23", "2002::/16",
        "3fff::/20", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
# All of IPv6 that is handed out for the internet; the rest is translation, tunnels, or nobody's.
UNICAST = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class Target:
    """A checked destination: ``addresses`` are tried in order, under the name ``host``."""

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]
    path_and_query: str

    @property
    def host_header(self) -> str:
        """What the server is to see as Host."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if PORTS[self.scheme] == self.port else f"{name}:{self.port}"


def is_public(address: Address) -> bool:
    """Whether the address belongs to the open internet, looked at from every side."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.scope_id is not None or address not in UNICAST:
            return False
    return address.is_global and not any(address in network for network in REFUSED_NETWORKS)


def check_url(url: str, exempt: frozenset[tuple[str, int]] = frozenset()) -> Target:
    """Parse, resolve and judge an address; ``exempt`` are (host, port) allowed to be private.

    Raises `HttpAddressRefused` when it may not be reached, `HttpNeverSent` when it has no address.
    """
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".").lower()
    port = parts.port or PORTS[parts.scheme]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if (host, port) in exempt:
        return Target(parts.scheme, host, port, _resolve(host, port), path)
    if port not in PORTS.values():
        raise HttpAddressRefused(f"port {port} is not 80 or 443")
    found = _resolve(host, port)
    if not all(is_public(ipaddress.ip_address(address)) for address in found):
        raise HttpAddressRefused(f"{host} is not a public address")
    return Target(parts.scheme, host, port, found, path)


def _split(url: str) -> SplitResult:
    if not url.isascii() or any(character <= " " for character in url):
        raise HttpAddressRefused("the address has characters that do not belong there")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise HttpAddressRefused("the address cannot be read") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise HttpAddressRefused("the address must begin with http:// or https://")
    if "%" in parts.hostname:
        raise HttpAddressRefused("the host name must be plain")
    if parts.username is not None or parts.password is not None or "\\" in url:
        raise HttpAddressRefused("the address must not hold a login")
    return parts


def _resolve(host: str, port: int) -> tuple[str, ...]:
    if host == "localhost" or host.endswith(".localhost"):
        return ("127.0.0.1",)  # RFC 6761; not every resolver knows the names below it
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HttpNeverSent(message=f"{host} has no address") from None
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    return tuple(sorted(found, key=lambda address: ":" in address))
