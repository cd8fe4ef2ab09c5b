import platform
import subprocess
import sys

import pytest

BLOCKS = """
import sys
from pathlib import Path
from adapters.memory import return_large_blocks

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

if sys.argv[1] == "return":
    assert return_large_blocks()
bytearray(8 * 2**20)  # glibc now takes blocks of this size from its heap
before = resident()
large, small = [], []
for _ in range(10):
    large.append(bytearray(8 * 2**20))
    small.append(bytearray(100_000))
del large
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a parameter of glibc")
def test_the_memory_of_large_blocks_is_given_back() -> None:
    kept = {
        mode: int(subprocess.check_output([sys.executable, "-c", BLOCKS, mode], text=True))
        for mode in ("keep", "return")
    }
    assert kept["keep"] > 60
    assert kept["return"] < 10
