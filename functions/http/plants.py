"""Endpoints of plants."""

from uuid import UUID

from bp_core.plants import NewPlant, Plant, PlantChanges, PlantFigures, PlantsQuery
from bp_core.shared.access import Caller
from bp_core.shared.errors import Duplicate
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from functions.edge.access import HEADQUARTERS, SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/plants", who=SIGNED_IN)
def list_plants(work: UnitOfWork, query: PlantsQuery) -> Page[Plant]:
    """List the plants by name."""
    return work.plants.search(query)


@endpoint("GET", "/api/v1/plants/active", who=SIGNED_IN)
def list_active_plants(work: UnitOfWork, query: PageQuery) -> Page[Plant]:
    """List the active plants by name."""
    return work.plants.active(query)


@endpoint("GET", "/api/v1/plants/inactive", who=HEADQUARTERS)
def list_inactive_plants(work: UnitOfWork, caller: Caller, query: PageQuery) -> Page[Plant]:
    """List the inactive plants by name."""
    return work.plants.inactive(caller, query)


@endpoint("GET", "/api/v1/plants/{plant_id:guid}", who=SIGNED_IN)
def show_plant(work: UnitOfWork, plant_id: UUID) -> PlantFigures:
    """Return a plant with its figures."""
    return work.plants.show(plant_id)


@endpoint("POST", "/api/v1/plants", who=HEADQUARTERS, status=201, errors=(Duplicate,))
def create_plant(work: UnitOfWork, caller: Caller, body: NewPlant) -> Plant:
    """Create a plant."""
    return work.plants.create(caller, body)


@endpoint("PATCH", "/api/v1/plants/{plant_id:guid}", who=HEADQUARTERS, errors=(Duplicate,))
def edit_plant(work: UnitOfWork, caller: Caller, plant_id: UUID, body: PlantChanges) -> Plant:
    """Change the names or the division of a plant."""
    return work.plants.edit(caller, plant_id, body)


@endpoint("PATCH", "/api/v1/plants/{plant_id:guid}/activate", who=HEADQUARTERS)
def activate_plant(work: UnitOfWork, caller: Caller, plant_id: UUID) -> Plant:
    """Activate a plant."""
    return work.plants.set_active(caller, plant_id, active=True)


@endpoint("PATCH", "/api/v1/plants/{plant_id:guid}/deactivate", who=HEADQUARTERS)
def deactivate_plant(work: UnitOfWork, caller: Caller, plant_id: UUID) -> Plant:
    """Deactivate a plant."""
    return work.plants.set_active(caller, plant_id, active=False)
