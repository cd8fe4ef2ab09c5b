"""The plants of the manufacturer."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.auditing import AuditTrail, difference
from bp_core.shared.calendar import Month
from bp_core.shared.context import Context
from bp_core.shared.errors import NotFound
from bp_core.shared.money import format_currency, monthly_lakhs
from bp_core.shared.paging import Page
from bp_core.shared.schemas import Line, PageQuery, RequestModel, ResponseModel, Timestamp, not_sent


class PlantsQuery(PageQuery):
    """Filters a list of plants; by default all are listed."""

    is_active: bool | None = None


class NewPlant(RequestModel):
    """A new plant."""

    name: Annotated[Line, Field(max_length=200, examples=["Supa"])]
    short_name: Annotated[Line, Field(max_length=100, examples=["Supa"])]
    division: Annotated[Line, Field(max_length=100, examples=["Air Conditioning"])]
    is_active: bool = True


class PlantChanges(RequestModel):
    """Changes of a plant; a field that is not sent is not changed."""

    name: Annotated[Line, Field(max_length=200, examples=["Supa"])] = not_sent()
    short_name: Annotated[Line, Field(max_length=100, examples=["Supa"])] = not_sent()
    division: Annotated[Line, Field(max_length=100, examples=["Air Conditioning"])] = not_sent()


class Plant(ResponseModel):
    """A plant."""

    id: UUID
    name: Annotated[str, Field(examples=["Supa"])]
    short_name: Annotated[str, Field(examples=["Supa"])]
    division: Annotated[str, Field(examples=["Air Conditioning"])]
    is_active: bool
    created_at: Timestamp
    updated_at: Timestamp


class PlantFigures(Plant):
    """A plant with its figures.

    `total_practices` counts its public practices, `monthly_practices` those of this month. `total_savings` is
    the sum of its monthly savings of all time in lakhs, formatted for display (rules 3, 7).
    """

    total_practices: int
    benchmarked_count: int
    monthly_practices: int
    total_savings: Annotated[str, Field(examples=["12.34"])]


@dataclass(frozen=True)
class PlantRecord:
    """A plant with its stored figures; `annualised_savings` is in lakhs."""

    id: UUID
    name: str
    short_name: str
    division: str
    is_active: bool
    created_at: datetime
    updated_at: datetime
    total_practices: int
    benchmarked_count: int
    monthly_practices: int
    annualised_savings: Decimal


class PlantStore(Protocol):
    """Stores plants."""

    def plants(self, query: PlantsQuery) -> Page[Plant]:
        """List the plants by name: all, or only the active or inactive ones."""
        ...

    def add(self, new: NewPlant, now: datetime) -> Plant:
        """Insert a plant. Raises Duplicate if another plant has the name."""
        ...

    def plant_for_update(self, plant_id: UUID) -> Plant | None:
        """Read a plant, and lock it until the transaction ends."""
        ...

    def save(self, plant: Plant) -> None:
        """Update a plant. Raises Duplicate if another plant has the name."""
        ...

    def plant(self, plant_id: UUID, this_month: Month) -> PlantRecord | None:
        """Read a plant with its figures of this month and of all time."""
        ...


@dataclass(frozen=True)
class PlantService:
    """The use cases of plants: all users read them, headquarters changes them."""

    store: PlantStore
    audit_trail: AuditTrail
    context: Context

    def search(self, query: PlantsQuery) -> Page[Plant]:
        """Return one page of the plants by name: of all, or only of the active or inactive ones."""
        return self.store.plants(query)

    def active(self, query: PageQuery) -> Page[Plant]:
        """Return one page of the active plants."""
        return self.store.plants(PlantsQuery(**query.model_dump(), is_active=True))

    def inactive(self, caller: Caller, query: PageQuery) -> Page[Plant]:
        """Return one page of the inactive plants, for headquarters. Raises Forbidden."""
        require_headquarters(caller)
        return self.store.plants(PlantsQuery(**query.model_dump(), is_active=False))

    def show(self, plant_id: UUID) -> PlantFigures:
        """Return a plant with its figures. Raises NotFound."""
        record = self.store.plant(plant_id, Month.of(self.context.today))
        if record is None:
            raise NotFound("There is no such plant.")
        figures = {field: value for field, value in vars(record).items() if field != "annualised_savings"}
        savings = format_currency(monthly_lakhs(record.annualised_savings), "lakhs")
        return PlantFigures(**figures, total_savings=savings)

    def create(self, caller: Caller, new: NewPlant) -> Plant:
        """Create a plant. Raises Forbidden, Duplicate."""
        require_headquarters(caller)
        plant = self.store.add(new, self.context.now)
        self.audit_trail.record("plant.created", "plant", plant.id, after=_facts(plant))
        return plant

    def edit(self, caller: Caller, plant_id: UUID, changes: PlantChanges) -> Plant:
        """Change the names or the division of a plant. Raises Forbidden, NotFound, Duplicate."""
        return self._update(caller, plant_id, "plant.changed", changes.sent())

    def set_active(self, caller: Caller, plant_id: UUID, *, active: bool) -> Plant:
        """Activate or deactivate a plant. Raises Forbidden, NotFound."""
        action = "plant.activated" if active else "plant.deactivated"
        return self._update(caller, plant_id, action, {"is_active": active})

    def _update(self, caller: Caller, plant_id: UUID, action: str, update: dict[str, Any]) -> Plant:
        require_headquarters(caller)
        plant = self.store.plant_for_update(plant_id)
        if plant is None:
            raise NotFound("There is no such plant.")
        updated = plant.model_copy(update={**update, "updated_at": self.context.now})
        changed = difference(_facts(plant), _facts(updated))
        if not changed.after:
            return plant
        self.store.save(updated)
        self.audit_trail.record(action, "plant", plant_id, before=changed.before, after=changed.after)
        return updated


def _facts(plant: Plant) -> dict[str, object]:
    return plant.model_dump(include={"name", "short_name", "division", "is_active"})
