"""The portal that stops at one place, so that a test can kill its host exactly there.

The setting PAUSE_AT is `before` or `after`, and the method: `after bp_core.purging:PurgeService.purge`. The
first call, of all hosts, that gets there writes the pid of its process into the file PAUSE_FILE and waits.
"""

import importlib
import os
import time
from contextlib import suppress
from functools import wraps
from typing import Any

PAUSE_SECONDS = 600


def pause_at(place: str) -> None:
    """Make the method of `place` wait."""
    when, _, target = place.partition(" ")
    module, _, path = target.partition(":")
    owner = getattr(importlib.import_module(module), path.split(".")[0])
    name = path.split(".")[1]
    method = getattr(owner, name)

    @wraps(method)
    def pausing(*arguments: Any, **options: Any) -> Any:
        if when == "before":
            pause()
        result = method(*arguments, **options)
        if when == "after":
            pause()
        return result

    setattr(owner, name, pausing)


def pause() -> None:
    """Wait, if nobody has done so yet."""
    with suppress(FileExistsError), open(os.environ["PAUSE_FILE"], "x", encoding="utf-8") as file:  # noqa: PTH123
        file.write(str(os.getpid()))
        file.flush()
        time.sleep(PAUSE_SECONDS)


if os.environ.get("PAUSE_AT"):
    pause_at(os.environ["PAUSE_AT"])
