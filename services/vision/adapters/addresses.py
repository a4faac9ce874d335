"""Which network addresses a catalogue's pictures may come from: those of the public internet."""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
USUAL_PORTS: Final = (80, 443)


def public(address: str) -> bool:
    """Whether it is one machine of the public internet, told by IANA's registries.

    IPv6 addresses that carry an IPv4 address (mapped, translated, 6to4, Teredo) are judged by that one.
    Raises ValueError when it is no address.
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv4Address):
        return found.is_global and not found.is_multicast
    if (carried := _carried(found)) is not None:
        return public(str(carried))
    # is_global alone lets ::127.0.0.1 and fec0::1 through.
    return found in _GLOBAL_UNICAST and found.is_global


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


@dataclass(frozen=True)
class Hosts:
    """Hosts that an operator named: these may be private, and asked without TLS."""

    named: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def read(cls, text: str) -> "Hosts":
        """From "images.internal, 10.0.0.5:8080"; without a port the usual ones. Raises ValueError."""
        found = set[tuple[str, int]]()
        for one in filter(None, (part.strip().lower() for part in text.split(","))):
            host, colon, port = one.rpartition(":") if one.count(":") == 1 else (one.strip("[]"), "", "")
            if (colon and not (port.isdigit() and 0 < int(port) < 65536)) or not host or "/" in host:
                raise ValueError(f"AISLE_VISION_IMAGE_HOSTS: {one!r} is not host or host:port")
            found.update((host, each) for each in ([int(port)] if colon else USUAL_PORTS))
        return cls(frozenset(found))

    def names(self, host: str, port: int) -> bool:
        """Whether a host is among them."""
        return (host.lower(), port) in self.named


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, in the resolver's order. Raises OSError."""
    loop = asyncio.get_running_loop()
    found: Iterable[tuple[object, ...]] = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))  # type: ignore[index]
