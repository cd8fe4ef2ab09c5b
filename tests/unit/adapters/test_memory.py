"""Freed memory, in processes of their own: the parameters of the allocator hold for a whole process."""

import platform
import subprocess
import sys

import pytest

START = """
import sys, threading
from pathlib import Path
from adapters.memory import limit_kept_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

if sys.argv[1] == "limit":
    assert limit_kept_memory()
"""

BLOCKS = """
bytearray(8 * 2**20)  # glibc now takes blocks of this size from its heap
before = resident()
large, small = [], []
for _ in range(10):
    large.append(bytearray(8 * 2**20))
    small.append(bytearray(100_000))
del large
print(resident() - before)
"""

THREADS = """
def work():
    parts = [b"x" * 50_000 for _ in range(100)]
    kept.append(b"x" * 600)  # at the end of the heap, which keeps the freed memory before it
    del parts
    finished.release()
    ending.wait()

kept, finished, ending = [], threading.Semaphore(0), threading.Event()
before = resident()
for _ in range(8):
    threading.Thread(target=work).start()
    finished.acquire()
print(resident() - before)
ending.set()
"""


def megabytes(program: str, mode: str) -> int:
    return int(subprocess.check_output([sys.executable, "-c", START + program, mode], text=True))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a parameter of glibc")
def test_the_memory_of_large_blocks_is_given_back() -> None:
    kept = {mode: megabytes(BLOCKS, mode) for mode in ("keep", "limit")}
    assert kept["keep"] > 60
    assert kept["limit"] < 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a parameter of glibc")
def test_threads_use_memory_that_others_have_freed() -> None:
    kept = {mode: megabytes(THREADS, mode) for mode in ("keep", "limit")}
    assert kept["limit"] < kept["keep"] / 2
