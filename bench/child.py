"""Runs a function on a file in a child process with a limit of memory, and measures what it uses."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

MEGABYTE: Final = 1024 * 1024
MEMORY_LIMIT: Final = 4096 * MEGABYTE
"""The address space of a child, in bytes. With less, libraries with many threads do not start."""

CPU_LIMIT: Final = 300
"""The CPU time of a child, in seconds."""


@dataclass(frozen=True)
class Measured:
    """What a function answered, and what its process used: its start and its imports included."""

    answer: str
    megabytes: float
    seconds: float


def measure(function: Callable[[bytes], str], data: bytes) -> Measured:
    """Call a function of a module on these bytes in a child process, and measure it.

    If the child is killed or runs out of memory, that is the answer.
    """
    name = f"{function.__module__}:{function.__name__}"
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        command = [sys.executable, "-m", "bench.child", name, file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return Measured(last[0], float("nan"), float("nan"))
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def peak_megabytes(process: int | str = "self") -> float:
    """Return the most memory that a process has had at once (the peak of its resident set), in megabytes.

    Not from getrusage: there, a child starts with the peak of the process that started it.
    """
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main(name: str, path: str) -> None:
    """Run in the child: call the function, and print what it used as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT))
    module, _, function = name.partition(":")
    call = getattr(import_module(module), function)
    data = Path(path).read_bytes()
    started = time.process_time()
    answer = call(data)
    used = Measured(answer, round(peak_megabytes(), 1), round(time.process_time() - started, 2))
    print(json.dumps(asdict(used)))


if __name__ == "__main__":
    main(*sys.argv[1:])
