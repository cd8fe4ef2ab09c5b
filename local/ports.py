"""Ports of the loopback address."""

import os
import socket

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        if caller.connect_ex((LOOPBACK, port)) == 0:
            return False  # on macOS one could bind nevertheless, beside a server on all addresses
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            # Connections that have just ended do not count; on Windows the option would mean the opposite.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
