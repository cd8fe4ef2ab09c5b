"""The nightly reconciliation: what events missed, what never came, and what is not where it should be.

It goes the way of every upload, the `Recorder`. Run again without a change in between, it finds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bp_core.practices.models import StoredDocument, StoredImage
from bp_core.shared.trail import Trail
from bp_core.uploads.recording import Missing, Recorder, Rejected
from bp_core.uploads.store import BlobLister, Census, LostFile

SETTLED_AFTER: Final = timedelta(hours=1)
"""A file recorded less than this ago may have come while the blobs were listed: it is not looked for yet."""

AnyRecorder = Recorder[StoredImage] | Recorder[StoredDocument]


@dataclass
class Findings:
    """What a reconciliation put right or reports.

    `recorded` are blobs whose events were missed, `rejected` those that cannot be recorded, each with the
    reason; `lost` and `found` are files whose blobs are gone or back since the last time; `expired` counts
    what was asked for and never put.
    """

    recorded: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    lost: list[LostFile] = field(default_factory=list)
    found: list[LostFile] = field(default_factory=list)
    expired: int = 0

    @property
    def rows(self) -> int:
        """How much there was."""
        return len(self.recorded) + len(self.rejected) + len(self.lost) + len(self.found) + self.expired


def reconcile(
    recorders: Sequence[AnyRecorder], census: Census, lister: BlobLister, trail: Trail, now: datetime
) -> Findings:
    """Compare the blobs that there are with what is kept of them, and put right what can be.

    All blobs are counted before anything is marked, so that nobody waits for a row while a blob is read.
    Raises Unavailable.
    """
    findings = Findings()
    for recorder in recorders:
        _record_missed(recorder, census, lister, findings, now)
    for recorder in recorders:
        _compare(recorder, census, trail, findings, now)
    findings.expired = census.expire(now)
    return findings


def _record_missed(
    recorder: AnyRecorder, census: Census, lister: BlobLister, findings: Findings, now: datetime
) -> None:
    for blob_names in lister.names(recorder.kind.container):
        for blob_name in census.count_in(recorder.kind, blob_names):
            match recorder.record(blob_name, with_thumbnail=True, now=now):
                case Rejected(reason):
                    findings.rejected.append((blob_name, reason))
                case Missing():
                    pass  # deleted while this ran
                case _:
                    findings.recorded.append(blob_name)


def _compare(recorder: AnyRecorder, census: Census, trail: Trail, findings: Findings, now: datetime) -> None:
    kind = recorder.kind
    lost, found = census.mark_lost(kind, now - SETTLED_AFTER, now), census.unmark_found(kind)
    for action, files in (("lost", lost), ("found", found)):
        for file in files:
            trail.note(f"{kind.name}.{action}", kind.name, file.id, after={"blob_name": file.blob_name})
    findings.lost += lost
    findings.found += found
