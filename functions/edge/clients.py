"""The address of the client, as the platform reports it; what the client itself sends is not trusted."""

from ipaddress import IPv6Address, IPv6Network
from typing import Final

import azure.functions as func

UNKNOWN: Final = "unknown"
FORWARDED: Final = "x-forwarded-for"
MAX_ADDRESS_LENGTH: Final = 100
MAX_HOPS_LENGTH: Final = 2000
"""How much of X-Forwarded-For is read, from its end: more than the trusted proxies write."""

CLIENT_PREFIX_LENGTH: Final = 64
"""The leading bits of an IPv6 address that identify a client; a client can choose the others freely."""


def client_address(request: func.HttpRequest, trusted_proxies: int) -> str:
    """Return the address of the client; for IPv6 its network.

    Each proxy appends to X-Forwarded-For the address that it was called from. The entries before those of
    the trusted proxies were written by the client and are ignored.
    """
    forwarded: str = request.headers.get(FORWARDED, "")[-MAX_HOPS_LENGTH:]
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if not hops:
        return UNKNOWN
    address = hops[-min(trusted_proxies, len(hops))]
    if address.startswith("["):  # [2001:db8::1]:443
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:  # 203.0.113.7:443
        address = address.partition(":")[0]
    return _network(address[:MAX_ADDRESS_LENGTH].replace("\x00", ""))


def _network(address: str) -> str:
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, CLIENT_PREFIX_LENGTH), strict=False))
