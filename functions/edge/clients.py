"""Where a call comes from, as the platform says, never as the client does."""

from ipaddress import IPv6Address, IPv6Network
from typing import Final

import azure.functions as func

UNKNOWN: Final = "unknown"
FORWARDED: Final = "x-forwarded-for"
LONGEST_ADDRESS: Final = 100
ONE_CLIENT: Final = 64
"""So many leading bits of an IPv6 address tell clients apart: the rest, everybody may choose as they like."""


def client_address(request: func.HttpRequest, trusted_proxies: int) -> str:
    """Tell the address of the client; of an IPv6 address its network.

    Every proxy on the way appends the address that it was called from to X-Forwarded-For; whatever stands
    before those of the trusted proxies was written by the client, and is not believed.
    """
    hops: list[str] = [hop.strip() for hop in request.headers.get(FORWARDED, "").split(",") if hop.strip()]
    if not hops:
        return UNKNOWN
    address = hops[-min(trusted_proxies, len(hops))]
    if address.startswith("["):  # [2001:db8::1]:443
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:  # 203.0.113.7:443
        address = address.partition(":")[0]
    return _network_of(address[:LONGEST_ADDRESS].replace("\x00", ""))


def _network_of(address: str) -> str:
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, ONE_CLIENT), strict=False))
