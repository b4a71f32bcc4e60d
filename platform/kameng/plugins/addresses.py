"""Which addresses a plugin may reach: public ones only. Resolve once, check, connect to that."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from kameng_sdk.errors import HttpAddressRefused, HttpNeverSent

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], tuple[str, ...]]

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


def check_url(
    url: str, exempt: frozenset[tuple[str, int]] = frozenset(), resolve: Resolve | None = None
) -> Target:
    """Parse, resolve and judge an address; ``exempt`` are (host, port) allowed to be private.

    Its name is resolved once; whoever calls it connects to what was judged here.

    Raises `HttpAddressRefused` when it may not be reached, `HttpNeverSent` when it has no address.
    """
    parts, host, port = _judged(url, exempt)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = (resolve or resolve_name)(host, port)
    if (host, port) not in exempt:
        _refuse_private(host, found)
    return Target(parts.scheme, host, port, found, path)


def judge_url(url: str, exempt: frozenset[tuple[str, int]] = frozenset()) -> None:
    """What can be said of an address without asking a name server; raises `HttpAddressRefused`.

    A name that passes may still turn out private: `check_url` decides when it is called.
    """
    _parts, host, port = _judged(url, exempt)
    if (host, port) in exempt:
        return
    if _is_local_name(host):
        raise HttpAddressRefused(f"{host} is not a public address")
    _refuse_private(host, _literal(host))


def _judged(url: str, exempt: frozenset[tuple[str, int]]) -> tuple[SplitResult, str, int]:
    """Parts, host and port of an address whose form is fit."""
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".").lower()
    port = parts.port or PORTS[parts.scheme]
    if (host, port) not in exempt and port not in PORTS.values():
        raise HttpAddressRefused(f"port {port} is not 80 or 443")
    return parts, host, port


def _refuse_private(host: str, found: tuple[str, ...]) -> None:
    if not all(is_public(ipaddress.ip_address(address)) for address in found):
        raise HttpAddressRefused(f"{host} is not a public address")


def _literal(host: str) -> tuple[str, ...]:
    """The address that a host stands for by itself, in any of the forms that resolvers know."""
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        return (socket.inet_ntoa(socket.inet_aton(host)),)  # 127.1, 0x7f000001, 2130706433
    except OSError:
        return ()


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


def _is_local_name(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def resolve_name(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a name, IPv4 first; raises `HttpNeverSent` when it has none."""
    if _is_local_name(host):
        return ("127.0.0.1",)  # RFC 6761; not every resolver knows the names below it
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HttpNeverSent(message=f"{host} has no address") from None
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    return tuple(sorted(found, key=lambda address: ":" in address))
