"""Free ports on the loopback address."""

import os
import socket

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server can listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        if caller.connect_ex((LOOPBACK, port)) == 0:
            return False  # macOS allows bind() even if a server listens on this port of all addresses
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            # Ignores connections in TIME_WAIT. On Windows the option would allow two servers on one port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
