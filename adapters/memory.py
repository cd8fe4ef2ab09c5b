"""Memory of this process: what one call has freed is used by others, or goes back to the system."""

import ctypes
from typing import Final

M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
"""Parameters of mallopt(3)."""

LARGE_BLOCK: Final = 1024 * 1024
"""In bytes. A block of at least this size is mapped by itself: uploads and exports have such blocks."""

ARENAS: Final = 2
"""How many heaps the threads share."""


def limit_kept_memory() -> bool:
    """Let the allocator keep less of what is freed. Returns whether it does.

    glibc otherwise raises the size from which it maps blocks with each large block that is freed, up to
    32 MB. The next ones then lie between small blocks that are in use, and an instance keeps the memory of
    its largest uploads for ever. It also has up to eight heaps for each processor, and each keeps the memory
    of the largest call that one of its threads has answered. Other C libraries have no such parameters.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # Windows, macOS
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)) and bool(mallopt(M_ARENA_MAX, ARENAS))
