"""The portal with a broken commit protocol: it answers before it commits."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from functions.bootstrap import Portal
from functions.unit_of_work import UnitOfWork

DELAY_SECONDS = 0.3

open_unit_of_work = Portal.unit_of_work


@contextmanager
def answer_before_the_commit(self: Portal, *, transaction: bool, **options: Any) -> Iterator[UnitOfWork]:
    opened = open_unit_of_work(self, transaction=transaction, **options)
    work = opened.__enter__()
    try:
        yield work
    except BaseException:
        if not opened.__exit__(*sys.exc_info()):
            raise
        return
    if transaction:
        threading.Timer(DELAY_SECONDS, opened.__exit__, (None, None, None)).start()
    else:
        opened.__exit__(None, None, None)


setattr(Portal, "unit_of_work", answer_before_the_commit)  # noqa: B010 - a method cannot be assigned
