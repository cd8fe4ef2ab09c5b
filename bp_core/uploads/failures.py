"""Blobs that cannot be processed: each in a guard of its own, counted, and given up after some nights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bp_core.shared.context import Context
from bp_core.uploads.findings import Findings
from bp_core.uploads.ports import MAX_NIGHTS, BlobFailures, BlobLister, ExaminerBusy

GIVEN_UP: Final = (
    f"The file could not be processed on {MAX_NIGHTS} nights."
    " Save it in another format, and upload it with a new upload permit."
)
"""Why an upload is rejected that failed too often."""

MANY: Final = 20
"""If more blobs than that fail in one run, they are not to blame, and none is given up."""

MAX_ERROR_LENGTH: Final = 300


@dataclass(frozen=True)
class BlobGuard:
    """Processes one blob at a time, so that whatever one of them causes does not stop the others."""

    failures: BlobFailures
    blobs: BlobLister
    context: Context

    def failed(self, container: str, blob_name: str, work: Callable[[], object], findings: Findings) -> bool:
        """Do the work on a blob; if it fails, count that and return True.

        Raises Unavailable if the whole storage or the database is away: then no blob is to blame.
        """
        try:
            work()
            self.failures.forget(container, blob_name)
        except ExaminerBusy:
            findings.postponed.append(blob_name)
        except Exception as error:  # noqa: BLE001 - whatever it is: the other blobs must be processed
            self.blobs.check()
            night = self.context.today
            findings.add_failure(self.failures.count(container, blob_name, _message(error), night))
            return True
        return False

    def to_give_up(
        self, container: str, blob_names: list[str], findings: Findings
    ) -> Iterator[tuple[str, str]]:
        """Return those of the failed blobs that are given up, each with the reason for its uploader."""
        if len(blob_names) > MANY:
            return
        nights = {one.blob_name: one.nights for one in findings.failed if one.container == container}
        for blob_name in blob_names:
            if nights[blob_name] >= MAX_NIGHTS:
                yield blob_name, GIVEN_UP


def _message(error: Exception) -> str:
    """Return what an error says, without characters that the database cannot store."""
    text = f"{type(error).__name__}: {error}".replace("\0", "")
    return text.encode("ascii", "backslashreplace").decode()[:MAX_ERROR_LENGTH]
