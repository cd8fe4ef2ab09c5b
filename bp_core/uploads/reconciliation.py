"""The nightly reconciliation of uploads: it records what events missed, and reports files without blobs.

It records through the same `Recorder` as every other upload. A second run without a change in between does
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.uploads.ports import BlobInventory, BlobLister, ExaminerBusy, InventoryFile
from bp_core.uploads.recording import Missing, Recorder, Rejected

MISSING_AFTER: Final = timedelta(hours=1)
"""Files that were recorded more recently are not checked: they may have arrived after the listing."""

AnyRecorder = Recorder[StoredImage] | Recorder[StoredDocument]


@dataclass
class Findings:
    """What a reconciliation changed or reports.

    `recorded` are blobs whose events were missed; `rejected` are blobs that are not accepted, each with the
    reason; `postponed` are blobs that are left for the next run, because too many others are being examined;
    `lost` and `found` are files whose blobs disappeared or came back since the last run; `expired`
    counts the uploads that were requested and never arrived.
    """

    recorded: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)
    lost: list[InventoryFile] = field(default_factory=list)
    found: list[InventoryFile] = field(default_factory=list)
    expired: int = 0

    @property
    def rows(self) -> int:
        """How many findings there are."""
        return len(self.recorded) + len(self.rejected) + len(self.lost) + len(self.found) + self.expired


@dataclass(frozen=True)
class Reconciliation:
    """Compares the blobs that exist with the files that are recorded.

    The recorders commit each file on their own; the inventory and the audit trail share one transaction.
    """

    recorders: Sequence[AnyRecorder]
    inventory: BlobInventory
    blobs: BlobLister
    audit_trail: AuditTrail
    context: Context

    def run(self) -> Findings:
        """Record the blobs that events missed, mark the files whose blobs are missing, expire old uploads.

        All blobs are listed and read before any row is marked, so that no row is locked during that time.
        Raises Unavailable.
        """
        findings = Findings()
        self.inventory.start()
        for recorder in self.recorders:
            self._record_missed(recorder, findings)
        for recorder in self.recorders:
            self._compare(recorder, findings)
        findings.expired = self.inventory.expire_uploads(self.context.now)
        return findings

    def _record_missed(self, recorder: AnyRecorder, findings: Findings) -> None:
        for blob_names in self.blobs.names(recorder.kind.container):
            for blob_name in self.inventory.add_blobs(recorder.kind, blob_names):
                self._record(recorder, blob_name, findings)

    def _record(self, recorder: AnyRecorder, blob_name: str, findings: Findings) -> None:
        try:
            result = recorder.record(blob_name, with_thumbnail=True)
        except ExaminerBusy:
            findings.postponed.append(blob_name)
            return
        match result:
            case Rejected(reason):
                findings.rejected.append((blob_name, reason))
            case Missing():
                pass  # deleted since it was listed
            case _:
                findings.recorded.append(blob_name)

    def _compare(self, recorder: AnyRecorder, findings: Findings) -> None:
        kind, now = recorder.kind, self.context.now
        lost = self.inventory.mark_missing(kind, now - MISSING_AFTER, now)
        found = self.inventory.unmark_found(kind)
        for action, files in (("lost", lost), ("found", found)):
            for file in files:
                facts = {"blob_name": file.blob_name}
                self.audit_trail.record(f"{kind.name}.{action}", kind.name, file.id, after=facts)
        findings.lost += lost
        findings.found += found
