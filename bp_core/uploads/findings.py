"""What a reconciliation of uploads changed or reports."""

from dataclasses import dataclass, field
from typing import Final

from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.uploads.ports import FailedBlob, InventoryFile
from bp_core.uploads.results import Recorded, RecordingResult, Rejected, Unknown

SHOWN_FAILURES: Final = 3
"""How many failed blobs the record of a run names."""


@dataclass
class Findings:
    """What a reconciliation changed or reports.

    `recorded` are blobs whose events were missed; `rejected` are blobs that are not accepted, each with the
    reason; `unknown` are blobs that nobody requested in this database, and that stay where they are;
    `postponed` are blobs that are left for the next run, because too many others are being examined;
    `failed` are blobs that could not be processed; `thumbnails_drawn` are images that got their thumbnail,
    `thumbnails_removed` thumbnails without an image; `lost` and `found` are files whose blobs disappeared or
    came back since the last run; `expired` counts the uploads that were requested and never arrived.
    """

    recorded: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)
    failed: list[FailedBlob] = field(default_factory=list)
    thumbnails_drawn: list[str] = field(default_factory=list)
    thumbnails_removed: list[str] = field(default_factory=list)
    lost: list[InventoryFile] = field(default_factory=list)
    found: list[InventoryFile] = field(default_factory=list)
    expired: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """The number of findings of each kind."""
        return {name: value if isinstance(value, int) else len(value) for name, value in vars(self).items()}

    @property
    def rows(self) -> int:
        """How many blobs and rows were changed."""
        unchanged = {"unknown", "postponed", "failed"}
        return sum(number for name, number in self.counts.items() if name not in unchanged)

    @property
    def error(self) -> str | None:
        """What the record of the run says of the blobs that failed; None if none did."""
        if not self.failed:
            return None
        shown = "; ".join(
            f"{one.container}/{one.blob_name} ({one.error}; on {one.nights} nights)"
            for one in self.failed[:SHOWN_FAILURES]
        )
        more = len(self.failed) - SHOWN_FAILURES
        return f"{len(self.failed)} files could not be processed: {shown}" + (
            f"; and {more} more" if more > 0 else ""
        )

    def add_failure(self, failure: FailedBlob) -> None:
        """Add a blob that failed, instead of an earlier failure of it."""
        blob = (failure.container, failure.blob_name)
        self.failed = [one for one in self.failed if (one.container, one.blob_name) != blob] + [failure]

    def add(
        self, blob_name: str, result: RecordingResult[StoredImage] | RecordingResult[StoredDocument]
    ) -> None:
        """Add the result of a blob that was not recorded when it was listed."""
        match result:
            case Rejected(reason):
                self.rejected.append((blob_name, reason))
            case Unknown():
                self.unknown.append(blob_name)
            case Recorded(is_new=True):
                self.recorded.append(blob_name)
            case _:
                pass  # deleted, or recorded by another call, since it was listed
