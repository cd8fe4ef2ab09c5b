"""The plants."""

from uuid import UUID

from bp_core import plants
from bp_core.plants import NewPlant, Plant, PlantChanges, PlantFigures, PlantsQuery
from functions.access import HEADQUARTERS, SIGNED_IN
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/plants", who=SIGNED_IN)
def list_plants(unit: Unit, query: PlantsQuery) -> list[Plant]:
    """List the plants by name."""
    return unit.plants.plants(is_active=query.is_active)


@endpoint("GET", "/api/v1/plants/active", who=SIGNED_IN)
def list_active_plants(unit: Unit) -> list[Plant]:
    """List the plants that take part."""
    return unit.plants.plants(is_active=True)


@endpoint("GET", "/api/v1/plants/inactive", who=HEADQUARTERS)
def list_inactive_plants(unit: Unit) -> list[Plant]:
    """List the plants that no longer take part."""
    return unit.plants.plants(is_active=False)


@endpoint("GET", "/api/v1/plants/{plant_id:guid}", who=SIGNED_IN)
def show_plant(unit: Unit, plant_id: UUID) -> PlantFigures:
    """Show a plant with its practices, benchmarks and savings."""
    return plants.show(unit.plants, plant_id, unit.moment.day)


@endpoint("POST", "/api/v1/plants", who=HEADQUARTERS, status=201, errors=("DUPLICATE",))
def create_plant(unit: Unit, body: NewPlant) -> Plant:
    """Let a plant join."""
    return plants.add(unit.plants, unit.trail, body, unit.moment.at)


@endpoint("PATCH", "/api/v1/plants/{plant_id:guid}", who=HEADQUARTERS, errors=("DUPLICATE",))
def edit_plant(unit: Unit, plant_id: UUID, body: PlantChanges) -> Plant:
    """Change what a plant is called."""
    return plants.change(unit.plants, unit.trail, plant_id, body, unit.moment.at)


@endpoint("PATCH", "/api/v1/plants/{plant_id:guid}/activate", who=HEADQUARTERS)
def activate_plant(unit: Unit, plant_id: UUID) -> Plant:
    """Let a plant take part."""
    return plants.set_active(unit.plants, unit.trail, plant_id, active=True, now=unit.moment.at)


@endpoint("PATCH", "/api/v1/plants/{plant_id:guid}/deactivate", who=HEADQUARTERS)
def deactivate_plant(unit: Unit, plant_id: UUID) -> Plant:
    """Let a plant take part no longer."""
    return plants.set_active(unit.plants, unit.trail, plant_id, active=False, now=unit.moment.at)
