"""Memory of this process: large blocks go back to the system as soon as they are freed."""

import ctypes
from typing import Final

M_MMAP_THRESHOLD: Final = -3
"""The parameter of mallopt(3): from which size on a block is mapped by itself."""

LARGE_BLOCK: Final = 1024 * 1024
"""From this size on, in bytes. Uploads and exports are larger; what other calls need is smaller."""


def return_large_blocks() -> bool:
    """Let the allocator give each large block back to the system when it is freed. Returns whether it does.

    glibc otherwise raises the limit with each large block that is freed, up to 32 MB. The next ones then lie
    between small blocks that are in use, and an instance keeps the memory of its largest uploads for ever.
    Other C libraries have no such parameter.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # Windows, macOS
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK))
