"""The plants of the manufacturer."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.shared.calendar import Month
from bp_core.shared.errors import NotFound
from bp_core.shared.model import Line, Sent, Shown, Timestamp
from bp_core.shared.money import format_currency, monthly_lakhs
from bp_core.shared.trail import Trail, difference


class PlantsQuery(Sent):
    """Which plants are wanted; all of them where nothing is said."""

    is_active: bool | None = None


class NewPlant(Sent):
    """A plant as it joins."""

    name: Annotated[Line, Field(max_length=200)]
    short_name: Annotated[Line, Field(max_length=100)]
    division: Annotated[Line, Field(max_length=100)]


class PlantChanges(Sent):
    """What is to be changed of a plant: what is not sent stays."""

    name: Annotated[Line, Field(max_length=200)] = ""
    short_name: Annotated[Line, Field(max_length=100)] = ""
    division: Annotated[Line, Field(max_length=100)] = ""


class Plant(Shown):
    """A plant."""

    id: UUID
    name: str
    short_name: str
    division: str
    is_active: bool
    created_at: Timestamp
    updated_at: Timestamp


class PlantFigures(Plant):
    """A plant with its practices that all see, those of this month, its benchmarks, its savings in lakhs.

    `total_savings` is the sum of all its monthly savings, as people read it (rules 3, 7).
    """

    total_practices: int
    benchmarked_count: int
    monthly_practices: int
    total_savings: str


@dataclass(frozen=True)
class PlantRecord:
    """A plant with its figures as they are kept: savings annualised, in lakhs."""

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
    """Where the plants are kept."""

    def plants(self, *, is_active: bool | None) -> list[Plant]:
        """List the plants by name."""
        ...

    def add(self, new: NewPlant, now: datetime) -> Plant:
        """Keep a new plant. Raises Conflict (DUPLICATE) if another has its name."""
        ...

    def plant_for_update(self, plant_id: UUID) -> Plant | None:
        """Find a plant and hold it until the transaction ends."""
        ...

    def save(self, plant: Plant) -> None:
        """Keep a plant as it is now. Raises Conflict (DUPLICATE) if another has its name."""
        ...

    def plant(self, plant_id: UUID, this_month: Month) -> PlantRecord | None:
        """Find a plant with what it has done, in this month and ever."""
        ...


def show(store: PlantStore, plant_id: UUID, today: date) -> PlantFigures:
    """Show a plant with its figures.

    Raises NotFound.
    """
    record = store.plant(plant_id, Month.of(today))
    if record is None:
        raise NotFound("There is no such plant.")
    figures = {field: value for field, value in vars(record).items() if field != "annualised_savings"}
    savings = format_currency(monthly_lakhs(record.annualised_savings), "lakhs")
    return PlantFigures(**figures, total_savings=savings)


def add(store: PlantStore, trail: Trail, new: NewPlant, now: datetime) -> Plant:
    """Let a plant join.

    Raises Conflict (DUPLICATE) if another has its name.
    """
    plant = store.add(new, now)
    trail.note("plant.created", "plant", plant.id, after=_facts(plant))
    return plant


def change(store: PlantStore, trail: Trail, plant_id: UUID, changes: PlantChanges, now: datetime) -> Plant:
    """Change what a plant is called.

    Raises NotFound, Conflict (DUPLICATE).
    """
    sent = changes.model_dump(include=changes.model_fields_set)
    return _keep(store, trail, "plant.changed", plant_id, sent, now)


def set_active(store: PlantStore, trail: Trail, plant_id: UUID, *, active: bool, now: datetime) -> Plant:
    """Let a plant take part, or no longer; doing it twice changes nothing.

    Raises NotFound.
    """
    action = "plant.activated" if active else "plant.deactivated"
    return _keep(store, trail, action, plant_id, {"is_active": active}, now)


def _keep(
    store: PlantStore, trail: Trail, action: str, plant_id: UUID, update: dict[str, object], now: datetime
) -> Plant:
    plant = store.plant_for_update(plant_id)
    if plant is None:
        raise NotFound("There is no such plant.")
    kept = plant.model_copy(update={**update, "updated_at": now})
    changed = difference(_facts(plant), _facts(kept))
    if not changed.after:
        return plant
    store.save(kept)
    trail.note(action, "plant", plant_id, before=changed.before, after=changed.after)
    return kept


def _facts(plant: Plant) -> dict[str, object]:
    return plant.model_dump(include={"name", "short_name", "division", "is_active"})
