from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from bp_core import plants
from bp_core.plants import NewPlant, Plant, PlantChanges, PlantRecord
from bp_core.shared.calendar import Month
from bp_core.shared.errors import NotFound
from tests.unit.bp_core.fakes import Note, NotedTrail
from tests.unit.bp_core.support import CHENNAI, NOW, PUNE

FOUNDED = datetime(2025, 1, 1, tzinfo=UTC)
RECORD = PlantRecord(
    id=PUNE,
    name="Pune Works",
    short_name="Pune",
    division="Components",
    is_active=True,
    created_at=FOUNDED,
    updated_at=FOUNDED,
    total_practices=7,
    benchmarked_count=2,
    monthly_practices=1,
    annualised_savings=Decimal(136),
)


class MemoryPlants:
    """One plant, and those that join."""

    def __init__(self, record: PlantRecord = RECORD) -> None:
        self._record = record
        self.asked: list[Month] = []
        self.saved: list[Plant] = []
        self.kept = {record.id: Plant.model_validate(record, from_attributes=True)}

    def plants(self, *, is_active: bool | None) -> list[Plant]:
        raise NotImplementedError("no use case of these tests lists plants")

    def add(self, new: NewPlant, now: datetime) -> Plant:
        added = Plant(id=uuid4(), **new.model_dump(), is_active=True, created_at=now, updated_at=now)
        self.kept[added.id] = added
        return added

    def plant_for_update(self, plant_id: UUID) -> Plant | None:
        return self.kept.get(plant_id)

    def save(self, plant: Plant) -> None:
        self.kept[plant.id] = plant
        self.saved.append(plant)

    def plant(self, plant_id: UUID, this_month: Month) -> PlantRecord | None:
        self.asked.append(this_month)
        return self._record if plant_id == self._record.id else None


def change(**sent: Any) -> tuple[Plant, MemoryPlants, NotedTrail]:
    store, trail = MemoryPlants(), NotedTrail()
    return plants.change(store, trail, PUNE, PlantChanges.model_validate(sent), NOW.at), store, trail


def test_a_plant_is_shown_with_its_savings_in_lakhs_as_people_read_them() -> None:
    shown = plants.show(MemoryPlants(RECORD), PUNE, date(2025, 8, 9))

    assert (shown.short_name, shown.total_practices, shown.total_savings) == ("Pune", 7, "11.33")


def test_a_plant_without_savings_has_saved_nothing() -> None:
    store = MemoryPlants(replace(RECORD, annualised_savings=Decimal(0)))

    assert plants.show(store, PUNE, date(2025, 8, 9)).total_savings == "0.00"


def test_the_practices_of_the_month_are_those_of_this_month() -> None:
    store = MemoryPlants(RECORD)

    plants.show(store, PUNE, date(2025, 8, 9))

    assert store.asked == [Month(2025, 8)]


def test_a_plant_that_joins_takes_part_and_is_kept_in_the_trail() -> None:
    store, trail = MemoryPlants(), NotedTrail()

    added = plants.add(store, trail, NewPlant(name="Supa", short_name="Supa", division="HVAC"), NOW.at)

    assert store.kept[added.id].is_active
    after = {"name": "Supa", "short_name": "Supa", "division": "HVAC", "is_active": True}
    assert trail.notes == [Note("plant.created", "plant", added.id, None, after)]


def test_what_is_not_sent_of_a_plant_stays() -> None:
    changed, store, trail = change(short_name="PNQ")

    assert (changed.name, changed.short_name, changed.updated_at) == ("Pune Works", "PNQ", NOW.at)
    assert store.saved == [changed]
    assert trail.notes == [
        Note("plant.changed", "plant", PUNE, {"short_name": "Pune"}, {"short_name": "PNQ"})
    ]


def test_a_change_that_changes_nothing_keeps_nothing() -> None:
    changed, store, trail = change(name="Pune Works")

    assert (changed.updated_at, store.saved, trail.notes) == (FOUNDED, [], [])


@pytest.mark.parametrize("sent", [{"is_active": False}, {"id": str(PUNE)}, {"name": " "}, {"division": None}])
def test_what_may_not_be_changed_of_a_plant_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PlantChanges.model_validate(sent)


def test_a_plant_is_deactivated_and_activated_and_doing_it_twice_changes_nothing() -> None:
    store, trail = MemoryPlants(), NotedTrail()

    for active in (False, False, True, True):
        assert plants.set_active(store, trail, PUNE, active=active, now=NOW.at).is_active is active

    assert trail.notes == [
        Note("plant.deactivated", "plant", PUNE, {"is_active": True}, {"is_active": False}),
        Note("plant.activated", "plant", PUNE, {"is_active": False}, {"is_active": True}),
    ]


def test_a_plant_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        plants.show(MemoryPlants(), CHENNAI, date(2025, 8, 9))
    with pytest.raises(NotFound):
        plants.change(MemoryPlants(), NotedTrail(), CHENNAI, PlantChanges(name="Chennai"), NOW.at)
    with pytest.raises(NotFound):
        plants.set_active(MemoryPlants(), NotedTrail(), CHENNAI, active=True, now=NOW.at)
