"""Practices taken out as a file, and brought in from one."""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from adapters import sheets
from bp_core.practices import importing, reading
from bp_core.practices.importing import ImportReport
from bp_core.practices.models import PracticeQuery
from bp_core.practices.sheet import COLUMNS, MOST_EXPORTED, TEMPLATE, Names, to_row
from bp_core.shared.access import Caller
from bp_core.shared.model import Sent
from functions.access import SIGNED_IN
from functions.answers import FileReply, Reply
from functions.bootstrap import Unit
from functions.edge import endpoints
from functions.parsing import Form

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv"

IMPORT_LIMIT: Final = 5 * 1024 * 1024
"""How large a form with a workbook may be, in bytes."""

blueprint, endpoint = endpoints()


class ExportQuery(PracticeQuery):
    """Which practices are wanted, as for the list; and as what file."""

    limit: Annotated[int, Field(ge=1, le=MOST_EXPORTED)] = MOST_EXPORTED
    format: Literal["xlsx", "csv"] = "xlsx"


class TrialChoice(Sent):
    """Whether an import is only a trial: said in the query or in the form; it is one otherwise."""

    dry_run: bool | None = None


@endpoint("GET", "/api/v1/best-practices/export", who=SIGNED_IN, media=(XLSX, CSV))
def export_practices(unit: Unit, caller: Caller, query: ExportQuery) -> FileReply:
    """Give the list as a file: the same practices in the same order."""
    rows = [to_row(one) for one in reading.sheet(unit.practices, caller, query)]
    name = f"best-practices-{unit.moment.day.isoformat()}.{query.format}"
    if query.format == "csv":
        return FileReply(sheets.write_csv(COLUMNS, rows), CSV, name)
    return FileReply(sheets.write_xlsx(COLUMNS, rows), XLSX, name)


@endpoint("GET", "/api/v1/best-practices/import/template", who=SIGNED_IN, media=(XLSX,))
def show_import_template(unit: Unit) -> FileReply:
    """Give the workbook that an import takes: its columns, and what belongs in them."""
    known = {
        "categories": ", ".join(one.name for one in unit.categories.categories()),
        "plants": ", ".join(one.name for one in unit.plants.plants(is_active=True)),
    }
    notes = [(column.heading, column.hint.format_map(known)) for column in TEMPLATE]
    return FileReply(sheets.write_xlsx(TEMPLATE, [], notes), XLSX, "best-practices-template.xlsx")


@endpoint(
    "POST",
    "/api/v1/best-practices/import",
    who=SIGNED_IN,
    limit="upload",
    body_limit=IMPORT_LIMIT,
    creates=True,
    or_status=201,
    errors=("FORBIDDEN",),
)
def import_practices(
    unit: Unit, caller: Caller, query: TrialChoice, form: Form[TrialChoice]
) -> Reply[ImportReport]:
    """Write the practices of a workbook, all or none of them: 201 if they are written."""
    said = (query.dry_run, form.fields.dry_run)
    report = importing.bring_in(
        unit.practices,
        unit.ledger,
        caller,
        sheets.read_xlsx(form.file.data),
        _names(unit),
        dry_run=True in said or said == (None, None),
        moment=unit.moment,
    )
    return Reply(report, status=201 if report.created else 200)


def _names(unit: Unit) -> Names:
    categories: dict[str, UUID] = {one.name.casefold(): one.id for one in unit.categories.categories()}
    plants = {one.name.casefold(): one.id for one in unit.plants.plants(is_active=None)}
    return Names(categories, plants)
