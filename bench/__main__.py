"""`dev.py bench [NAME ...]`: runs all benchmarks, or those named."""

import sys
from collections.abc import Callable

from bench import dashboard, exports, handlers, hostile_files, hostile_requests, plans, sign_in

BENCHMARKS: dict[str, Callable[[], None]] = {
    "handlers": handlers.measure,
    "sign_in": sign_in.measure,
    "hostile_requests": hostile_requests.measure,
    "plans": plans.measure,
    "dashboard": dashboard.measure,
    "exports": exports.measure,
    "hostile_files": hostile_files.measure,
}


def main(names: list[str]) -> int:
    """Run all benchmarks, or those named. Returns 2 for an unknown name."""
    if unknown := set(names) - set(BENCHMARKS):
        print(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(BENCHMARKS)}.")
        return 2
    for name in names or BENCHMARKS:
        print(f"== {name}", flush=True)
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
