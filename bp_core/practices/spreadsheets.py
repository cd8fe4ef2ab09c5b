"""The use cases of practices in spreadsheets: export, import and its template."""

from dataclasses import dataclass

from bp_core.practices.columns import COLUMNS, TEMPLATE, Names, to_row
from bp_core.practices.editor import PracticeEditor
from bp_core.practices.importing import PracticeReader
from bp_core.practices.ports import CategoryNames, ImportListener, PlantNames, PracticeStore, SpreadsheetFiles
from bp_core.practices.queries import ExportQuery
from bp_core.practices.schemas import ImportReport
from bp_core.practices.service import require_consistent
from bp_core.shared.access import Caller
from bp_core.shared.context import Context


@dataclass(frozen=True)
class SpreadsheetService:
    """Exports and imports practices; the listener of an import hears of it once."""

    store: PracticeStore
    editor: PracticeEditor
    listener: ImportListener
    categories: CategoryNames
    plants: PlantNames
    files: SpreadsheetFiles
    context: Context

    def export(self, caller: Caller, query: ExportQuery) -> bytes:
        """Return a file with the practices that the list returns for the same parameters, in the same order.

        Raises Invalid for parameters that cannot be combined, BadRequest for a cursor that cannot be used.
        """
        require_consistent(caller, query)
        listed = self.store.practices(query, caller).items
        rows = [to_row(one) for one in self.store.in_full([item.id for item in listed], caller)]
        write = self.files.write_csv if query.format == "csv" else self.files.write_xlsx
        return write(COLUMNS, rows)

    def template(self) -> bytes:
        """Return the workbook template of an import: its columns, and notes about them."""
        known = {
            "categories": ", ".join(self.categories.ids_by_name()),
            "plants": ", ".join(self.plants.ids_by_name(is_active=True)),
        }
        notes = [(column.heading, column.hint.format_map(known)) for column in TEMPLATE]
        return self.files.write_xlsx(TEMPLATE, [], notes)

    def import_practices(self, caller: Caller, workbook: bytes, *, dry_run: bool) -> ImportReport:
        """Create the practices of a workbook: all, or none if a row has an error or for a dry run.

        Raises Invalid if the file is not a workbook, has no rows, too many rows, or too much text.
        """
        found = PracticeReader(caller, self._names(), self.context.today).read(self.files.read_xlsx(workbook))
        if found.errors or dry_run:
            return found.report(dry_run=dry_run, created=0)
        # Each practice locks its plant. Two imports lock in the same order, so they cannot deadlock.
        for practice in sorted(found.practices, key=lambda one: str(one.plant_id)):
            self.editor.create(caller, practice)
        self.listener.practices_imported(sum(one.status == "submitted" for one in found.practices))
        return found.report(dry_run=dry_run, created=len(found.practices))

    def _names(self) -> Names:
        categories = {name.casefold(): one for name, one in self.categories.ids_by_name().items()}
        plants = {name.casefold(): one for name, one in self.plants.ids_by_name(is_active=None).items()}
        return Names(categories, plants)
