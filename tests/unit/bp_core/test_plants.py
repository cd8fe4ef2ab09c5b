from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bp_core.plants import NewPlant, Plant, PlantChanges, PlantService, PlantsQuery
from bp_core.shared.calendar import Month
from bp_core.shared.errors import NotFound
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.fakes import Note, RecordedAuditTrail
from tests.unit.bp_core.stores import LONG_AGO, PUNE_RECORD, MemoryPlants
from tests.unit.bp_core.support import CHENNAI, HQ, NOW, PUNE, context

AUGUST = date(2025, 8, 9)


def service(store: MemoryPlants, audit_trail: RecordedAuditTrail | None = None) -> PlantService:
    return PlantService(store, audit_trail or RecordedAuditTrail(), context(AUGUST))


def edit(**request: Any) -> tuple[Plant, MemoryPlants, RecordedAuditTrail]:
    store, audit_trail = MemoryPlants(), RecordedAuditTrail()
    changed = service(store, audit_trail).edit(HQ, PUNE, PlantChanges.model_validate(request))
    return changed, store, audit_trail


def test_a_plant_is_shown_with_its_savings_in_lakhs_as_people_read_them() -> None:
    shown = service(MemoryPlants()).show(PUNE)

    assert (shown.short_name, shown.total_practices, shown.total_savings) == ("Pune", 7, "11.33")


def test_a_plant_without_savings_has_saved_nothing() -> None:
    store = MemoryPlants(replace(PUNE_RECORD, annualised_savings=Decimal(0)))

    assert service(store).show(PUNE).total_savings == "0.00"


def test_the_practices_of_the_month_are_those_of_this_month() -> None:
    store = MemoryPlants()

    service(store).show(PUNE)

    assert store.requested == [Month(2025, 8)]


def test_a_new_plant_is_active_and_recorded_in_the_audit_trail() -> None:
    store, audit_trail = MemoryPlants(), RecordedAuditTrail()

    added = service(store, audit_trail).create(HQ, NewPlant(name="Supa", short_name="Supa", division="HVAC"))

    assert store.stored[added.id].is_active
    after = {"name": "Supa", "short_name": "Supa", "division": "HVAC", "is_active": True}
    assert audit_trail.notes == [Note("plant.created", "plant", added.id, None, after)]


def test_a_field_of_a_plant_that_is_not_sent_does_not_change() -> None:
    changed, store, audit_trail = edit(short_name="PNQ")

    assert (changed.name, changed.short_name, changed.updated_at) == ("Pune Works", "PNQ", NOW)
    assert store.saved == [changed]
    assert audit_trail.notes == [
        Note("plant.changed", "plant", PUNE, {"short_name": "Pune"}, {"short_name": "PNQ"})
    ]


def test_an_edit_that_changes_nothing_writes_nothing() -> None:
    changed, store, audit_trail = edit(name="Pune Works")

    assert (changed.updated_at, store.saved, audit_trail.notes) == (LONG_AGO, [], [])


@pytest.mark.parametrize("sent", [{"is_active": False}, {"id": str(PUNE)}, {"name": " "}, {"division": None}])
def test_what_cannot_be_changed_of_a_plant_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PlantChanges.model_validate(sent)


def test_a_plant_is_deactivated_and_activated_and_doing_it_twice_changes_nothing() -> None:
    audit_trail = RecordedAuditTrail()
    plants = service(MemoryPlants(), audit_trail)

    for active in (False, False, True, True):
        assert plants.set_active(HQ, PUNE, active=active).is_active is active

    assert audit_trail.notes == [
        Note("plant.deactivated", "plant", PUNE, {"is_active": True}, {"is_active": False}),
        Note("plant.activated", "plant", PUNE, {"is_active": False}, {"is_active": True}),
    ]


def test_headquarters_lists_the_inactive_plants() -> None:
    plants = service(MemoryPlants())
    assert plants.inactive(HQ, PageQuery()).items == []

    deactivated = plants.set_active(HQ, PUNE, active=False)

    assert plants.inactive(HQ, PageQuery()).items == [deactivated]
    assert plants.active(PageQuery()).items == []
    assert plants.search(PlantsQuery()).items == [deactivated]


def test_a_plant_that_is_not_there_is_not_found() -> None:
    plants = service(MemoryPlants())

    with pytest.raises(NotFound):
        plants.show(CHENNAI)
    with pytest.raises(NotFound):
        plants.edit(HQ, CHENNAI, PlantChanges(name="Chennai"))
    with pytest.raises(NotFound):
        plants.set_active(HQ, CHENNAI, active=True)
