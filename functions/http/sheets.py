"""Endpoints of practices in spreadsheets: export, import and its template."""

from typing import Final

from bp_core.practices.queries import ExportQuery
from bp_core.practices.schemas import ExportLink, ImportReport
from bp_core.practices.spreadsheets import CONTENT_TYPES
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, RestoredCopy
from bp_core.shared.schemas import RequestModel
from functions.edge.access import SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.edge.parsing import Form
from functions.edge.responses import FileReply, Reply
from functions.unit_of_work import UnitOfWork

XLSX: Final = CONTENT_TYPES["xlsx"]
CSV: Final = CONTENT_TYPES["csv"]

IMPORT_LIMIT: Final = 5 * 1024 * 1024
"""The maximum size of the form with a workbook, in bytes."""

blueprint, endpoint = endpoints()


class TrialChoice(RequestModel):
    """Whether an import is a dry run: in the query or in the form, by default true."""

    dry_run: bool | None = None


@endpoint(
    "GET",
    "/api/v1/best-practices/export",
    who=SIGNED_IN,
    expensive=True,
    media=(XLSX, CSV),
    errors=(RestoredCopy,),
)
def export_practices(work: UnitOfWork, caller: Caller, query: ExportQuery) -> FileReply | ExportLink:
    """Export the practices of the list, in the same order.

    The response is the file, or, if that is larger than 4 MB, JSON with a URL that downloads it.
    """
    exported = work.spreadsheets.export(caller, query)
    if isinstance(exported, ExportLink):
        return exported
    return FileReply(exported.data, exported.content_type, exported.file_name)


@endpoint("GET", "/api/v1/best-practices/import/template", who=SIGNED_IN, media=(XLSX,))
def show_import_template(work: UnitOfWork) -> FileReply:
    """Return the workbook template of an import: its columns, and notes about them."""
    return FileReply(work.spreadsheets.template(), XLSX, "best-practices-template.xlsx")


@endpoint(
    "POST",
    "/api/v1/best-practices/import",
    who=SIGNED_IN,
    limit="upload",
    expensive=True,
    body_limit=IMPORT_LIMIT,
    creates=True,
    or_status=201,
    errors=(Forbidden,),
)
def import_practices(
    work: UnitOfWork, caller: Caller, query: TrialChoice, form: Form[TrialChoice]
) -> Reply[ImportReport]:
    """Create the practices of a workbook, all or none: 201 if they were created."""
    choices = (query.dry_run, form.fields.dry_run)
    dry_run = True in choices or choices == (None, None)
    report = work.spreadsheets.import_practices(caller, form.file.data, dry_run=dry_run)
    return Reply(report, status=201 if report.created else 200)
