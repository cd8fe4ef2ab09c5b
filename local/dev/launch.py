"""`python -m local.dev.launch MODULE ARGUMENTS`: like `python -m MODULE`, but Ctrl-C shows no traceback.

SIGTERM and a closed terminal raise KeyboardInterrupt too, so that the module stops what it has started.
"""

import runpy
import signal
import sys

from local.stopping import accepted, release

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C has ended, as in shells."""


def main() -> int:
    """Run the module. Returns only if it was interrupted."""
    try:
        for number in accepted():
            signal.signal(number, signal.default_int_handler)
        release()
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
