"""The nightly reconciliation of uploads: it records what events missed, and reports files without blobs.

It records through the same `Recorder` as every other upload. Each blob is processed on its own: one that
fails does not stop the others. A second run without a change in between does nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.practices.views import THUMBNAILS
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.uploads.failures import BlobGuard
from bp_core.uploads.findings import Findings
from bp_core.uploads.ports import BlobInventory, BlobLister
from bp_core.uploads.recording import Recorder

GRACE: Final = timedelta(hours=1)
"""Files and thumbnails that are younger are not compared: they may have arrived after the listing."""

MAX_DRAWN: Final = 500
"""How many thumbnails are drawn in one run, each in about a fifth of a second."""

MAX_REMOVED: Final = 1000
"""How many thumbnails without an image are deleted in one run."""

AnyRecorder = Recorder[StoredImage] | Recorder[StoredDocument]


@dataclass(frozen=True)
class Reconciliation:
    """Compares the blobs that exist with the files that are recorded.

    The recorders and the guard commit each blob on their own; the inventory and the audit trail share one
    transaction.
    """

    images: Recorder[StoredImage]
    documents: Recorder[StoredDocument]
    inventory: BlobInventory
    guard: BlobGuard
    blobs: BlobLister
    audit_trail: AuditTrail
    context: Context

    def run(self) -> Findings:
        """Record missed blobs, draw missing thumbnails, mark files without blobs, expire old uploads.

        All blobs are listed and read before any row is marked, so that no row is locked during that time.
        Raises Unavailable if the database or the storage is away.
        """
        findings = Findings()
        self.inventory.start()
        for recorder in (self.images, self.documents):
            self._record_missed(recorder, findings)
        self._draw_missing(findings)
        self._remove_orphans(findings)
        for recorder in (self.images, self.documents):
            self._compare(recorder, findings)
        self.inventory.forget_failures()
        findings.expired = self.inventory.expire_uploads(self.context.now)
        return findings

    def _record_missed(self, recorder: AnyRecorder, findings: Findings) -> None:
        container = recorder.kind.container
        failed: list[str] = []
        for blob_names in self.blobs.names(container):
            for blob_name in self.inventory.add_blobs(recorder.kind, blob_names):
                record = partial(_record, recorder, blob_name, findings)
                if self.guard.failed(container, blob_name, record, findings):
                    failed.append(blob_name)
        for blob_name, reason in self.guard.to_give_up(container, failed, findings):
            give_up = partial(_give_up, recorder, blob_name, reason, findings)
            self.guard.failed(container, blob_name, give_up, findings)

    def _draw_missing(self, findings: Findings) -> None:
        """Draw the thumbnails that were never drawn, or are lost."""
        for names in self.blobs.names(THUMBNAILS):
            self.inventory.add_thumbnails(names)
        for blob_name in self.inventory.undrawn(self.context.now - GRACE, MAX_DRAWN):
            draw = partial(_draw, self.images, blob_name, findings)
            self.guard.failed(self.images.kind.container, blob_name, draw, findings)

    def _remove_orphans(self, findings: Findings) -> None:
        """Delete the thumbnails of images that were deleted while they were drawn."""
        for name in self.inventory.orphans(MAX_REMOVED):
            self.guard.failed(THUMBNAILS, name, partial(self._remove_orphan, name, findings), findings)

    def _remove_orphan(self, name: str, findings: Findings) -> None:
        if self.blobs.delete_unmodified(THUMBNAILS, name, self.context.now - GRACE):
            findings.thumbnails_removed.append(name)

    def _compare(self, recorder: AnyRecorder, findings: Findings) -> None:
        kind, now = recorder.kind, self.context.now
        lost = self.inventory.mark_missing(kind, now - GRACE, now)
        found = self.inventory.unmark_found(kind)
        for action, files in (("lost", lost), ("found", found)):
            for file in files:
                facts = {"blob_name": file.blob_name}
                self.audit_trail.record(f"{kind.name}.{action}", kind.name, file.id, after=facts)
        findings.lost += lost
        findings.found += found


def _record(recorder: AnyRecorder, blob_name: str, findings: Findings) -> None:
    findings.add(blob_name, recorder.record(blob_name, with_thumbnail=True))


def _give_up(recorder: AnyRecorder, blob_name: str, reason: str, findings: Findings) -> None:
    findings.add(blob_name, recorder.give_up(blob_name, reason))


def _draw(recorder: Recorder[StoredImage], blob_name: str, findings: Findings) -> None:
    if recorder.draw_thumbnail(blob_name):
        findings.thumbnails_drawn.append(blob_name)
