"""Blob triggers: they record the files that were uploaded."""

import logging

import azure.functions as func
from azure.functions import BlobSource

from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.uploads.kinds import DOCUMENTS, IMAGES
from bp_core.uploads.recording import Missing, RecordingResult, Rejected
from functions import bootstrap, logs, telemetry
from functions.blueprints import new_blueprint
from functions.settings import blob_trigger_source

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
    with telemetry.invocation(context), bootstrap.portal().unit_of_work(transaction=False) as work:
        name = _name_in_container(blob)
        _log(name, work.image_recorder.record(name, with_thumbnail=True))


@blueprint.blob_trigger(
    arg_name="blob",
    path=f"{DOCUMENTS.container}/{DOCUMENTS.folder}/{{practice_id}}/{{file}}",
    connection="AzureWebJobsStorage",
    source=BlobSource(blob_trigger_source()),
    data_type=func.DataType.BINARY,
)
def record_document(blob: func.InputStream, context: func.Context) -> None:
    """Record an uploaded document, or move it to quarantine."""
    with telemetry.invocation(context), bootstrap.portal().unit_of_work(transaction=False) as work:
        name = _name_in_container(blob)
        _log(name, work.document_recorder.record(name, with_thumbnail=True))


def _name_in_container(blob: func.InputStream) -> str:
    return (blob.name or "").partition("/")[2]


def _log(blob_name: str, result: RecordingResult[StoredImage] | RecordingResult[StoredDocument]) -> None:
    match result:
        case Rejected(reason):
            logs.log("upload_rejected", level=logging.WARNING, blob=blob_name, reason=reason)
        case Missing():
            logs.log("upload_gone", blob=blob_name)
        case recorded:
            logs.log("upload_recorded", blob=blob_name, is_new=recorded.is_new)
