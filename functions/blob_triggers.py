"""What happens when a blob arrives."""

import logging
from collections.abc import Callable

import azure.functions as func
from azure.functions import BlobSource

from bp_core.practices.models import StoredDocument, StoredImage
from bp_core.uploads.kinds import DOCUMENTS, IMAGES
from bp_core.uploads.recording import Missing, Recorder, Rejected
from functions import bootstrap, logs, telemetry
from functions.blueprints import new_blueprint
from functions.bootstrap import Unit
from functions.settings import blob_trigger_source

blueprint = new_blueprint()


@blueprint.blob_trigger(
    arg_name="blob",
    path=f"{IMAGES.container}/{IMAGES.folder}/{{practice_id}}/{{file}}",
    connection="AzureWebJobsStorage",
    source=BlobSource(blob_trigger_source()),
    data_type=func.DataType.BINARY,  # as text, the host would decode a photograph as UTF-8 and damage it
)
def record_upload(blob: func.InputStream, context: func.Context) -> None:
    """Record an uploaded photograph, with its thumbnail, or move what is none to quarantine."""
    with telemetry.invocation(context):
        _record(blob, lambda unit: unit.image_recorder)


@blueprint.blob_trigger(
    arg_name="blob",
    path=f"{DOCUMENTS.container}/{DOCUMENTS.folder}/{{practice_id}}/{{file}}",
    connection="AzureWebJobsStorage",
    source=BlobSource(blob_trigger_source()),
    data_type=func.DataType.BINARY,
)
def record_document(blob: func.InputStream, context: func.Context) -> None:
    """Record an uploaded document, or move what is none to quarantine."""
    with telemetry.invocation(context):
        _record(blob, lambda unit: unit.document_recorder)


def _record(
    blob: func.InputStream, recorder_of: Callable[[Unit], Recorder[StoredImage] | Recorder[StoredDocument]]
) -> None:
    _, _, blob_name = (blob.name or "").partition("/")
    with bootstrap.portal().unit(transaction=False) as unit:
        outcome = recorder_of(unit).record(blob_name, with_thumbnail=True, now=unit.moment.at)
    match outcome:
        case Rejected(reason):
            logs.log("upload_rejected", level=logging.WARNING, blob=blob_name, reason=reason)
        case Missing():
            logs.log("upload_gone", blob=blob_name)
        case recorded:
            logs.log("upload_recorded", blob=blob_name, is_new=recorded.is_new)
