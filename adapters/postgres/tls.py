"""Which certificate a PostgreSQL server needs to get the portal's token. Standard library only."""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

AZURE_ROOTS: Final = Path(__file__).with_name("azure-roots.pem")
"""The certificate authorities of Azure Database for PostgreSQL.

Not `sslrootcert=system`: psycopg's wheel brings an OpenSSL that does not find the system's certificates.
"""

AZURE_DATABASES: Final = ".postgres.database.azure.com"
"""The end of the names of Azure's PostgreSQL servers."""

VERIFIED: Final = "verify-full"
"""The only `sslmode` that checks both the certificate of the server and its name."""


def is_local(parameters: Mapping[str, str]) -> bool:
    """Whether a connection with these parameters of libpq stays on this machine."""
    hosts = (parameters.get("hostaddr") or parameters.get("host", "")).split(",")
    return all(_is_on_this_machine(host.strip()) for host in hosts)


def is_in_azure(parameters: Mapping[str, str]) -> bool:
    """Whether a server is one of Azure's, by its name."""
    return any(host.endswith(AZURE_DATABASES) for host in parameters.get("host", "").lower().split(","))


def _is_on_this_machine(host: str) -> bool:
    if host == "localhost" or host.startswith(("/", "@")):  # a unix socket
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return not host  # libpq's default is a socket


def trusted_roots(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return libpq's parameter with Azure's roots, if the server is verified and no others are named."""
    if parameters.get("sslmode") != VERIFIED or "sslrootcert" in parameters:
        return {}
    return {"sslrootcert": str(AZURE_ROOTS)}
