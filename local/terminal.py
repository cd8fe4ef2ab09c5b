"""What `dev.py up` says."""

from contextlib import suppress


def say(*lines: str, end: str = "\n") -> None:
    """Print lines at once. A closed terminal does not prevent the cleanup that follows."""
    with suppress(OSError):
        print(*lines, sep="\n", end=end, flush=True)
