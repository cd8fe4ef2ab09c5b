"""Blob triggers: they record the files that were uploaded."""

import logging
from collections.abc import Callable

import azure.functions as func
from azure.functions import BlobSource

from adapters.postgres.connections import BACKGROUND
from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.uploads.kinds import DOCUMENTS, IMAGES
from bp_core.uploads.reconciliation import AnyRecorder
from bp_core.uploads.results import Missing, RecordingResult, Rejected, Unknown
from functions import bootstrap, logs, telemetry
from functions.blueprints import new_blueprint
from functions.settings import blob_trigger_source
from functions.unit_of_work import UnitOfWork

blueprint = new_blueprint()


@blueprint.blob_trigger(
    arg_name="blob",
    path=f"{IMAGES.container}/{IMAGES.folder}/{{practice_id}}/{{file}}",
    connection="AzureWebJobsStorage",
    source=BlobSource(blob_trigger_source()),
    data_type=func.DataType.BINARY,  # the host would decode any other type as UTF-8 and damage the file
)
def record_upload(blob: func.InputStream, context: func.Context) -> None:
    """Record an uploaded image with its thumbnail, or move it to quarantine."""
    with telemetry.invocation(context):
        _record(blob, lambda work: work.image_recorder)


@blueprint.blob_trigger(
    arg_name="blob",
    path=f"{DOCUMENTS.container}/{DOCUMENTS.folder}/{{practice_id}}/{{file}}",
    connection="AzureWebJobsStorage",
    source=BlobSource(blob_trigger_source()),
    data_type=func.DataType.BINARY,
)
def record_document(blob: func.InputStream, context: func.Context) -> None:
    """Record an uploaded document, or move it to quarantine."""
    with telemetry.invocation(context):
        _record(blob, lambda work: work.document_recorder)


def _record(blob: func.InputStream, recorder_of: Callable[[UnitOfWork], AnyRecorder]) -> None:
    """Record a blob; what fails is logged with its name, and raised so that the host tries again.

    After five tries the host puts the event into its poison queue, and the nightly reconciliation goes on.
    """
    portal = bootstrap.portal()
    blob_name = (blob.name or "").partition("/")[2]
    if portal.settings.restored_copy:
        logs.log("upload_ignored", blob=blob_name, reason="this portal is a restored copy")
        return
    try:
        with portal.unit_of_work(transaction=False, limits=BACKGROUND) as work:
            _log(blob_name, recorder_of(work).record(blob_name, with_thumbnail=True))
    except Exception as failure:
        logs.log_failure("upload_failed", failure, blob=blob_name)
        raise


def _log(blob_name: str, result: RecordingResult[StoredImage] | RecordingResult[StoredDocument]) -> None:
    match result:
        case Rejected(reason):
            logs.log("upload_rejected", level=logging.WARNING, blob=blob_name, reason=reason)
        case Unknown(reason):
            logs.log("upload_unknown", level=logging.WARNING, blob=blob_name, reason=reason)
        case Missing():
            logs.log("upload_gone", blob=blob_name)
        case recorded:
            logs.log("upload_recorded", blob=blob_name, is_new=recorded.is_new)
