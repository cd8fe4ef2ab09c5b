"""An audit trail that only takes notes, and people in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from bp_core.notifications import Notice
from bp_core.shared.paging import Page
from bp_core.shared.trail import Facts
from bp_core.users import Profile, User, UserQuery
from tests.unit.bp_core.support import OWNER, PUNE

LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Note:
    """One line of an audit trail."""

    action: str
    entity: str
    entity_id: UUID
    before: Facts | None = None
    after: Facts | None = None


class NotedTrail:
    """A trail that notes what it is told."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def note(
        self,
        action: str,
        entity: str,
        entity_id: UUID,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
    ) -> None:
        self.notes.append(Note(action, entity, entity_id, before, after))

    def actions(self) -> list[str]:
        return [note.action for note in self.notes]


class NotedNotifier:
    """Notes who would be told what."""

    def __init__(self) -> None:
        self.told: list[tuple[object, Notice]] = []

    def tell_user(self, user_id: UUID, notice: Notice) -> None:
        self.told.append((user_id, notice))

    def tell_plant(self, plant_id: UUID, notice: Notice) -> None:
        self.told.append((plant_id, notice))

    def tell_uploader(self, container: str, blob_name: str, notice: Notice) -> None:
        self.told.append((blob_name, notice))


class MemoryUsers:
    """People, and how often they were saved."""

    def __init__(self, *people: User) -> None:
        self.people = {one.id: one for one in people}
        self.saved: list[User] = []

    def profile(self, user_id: UUID) -> Profile | None:
        user = self.people.get(user_id)
        if user is None:
            return None
        return Profile(**user.model_dump(), plant_name="Pune Works", plant_short_name="Pune")

    def user(self, user_id: UUID) -> User | None:
        return self.people.get(user_id)

    def user_for_update(self, user_id: UUID) -> User | None:
        return self.people.get(user_id)

    def users(self, query: UserQuery) -> Page[User]:
        raise NotImplementedError("no use case of these tests lists people")

    def save(self, user: User) -> None:
        self.people[user.id] = user
        self.saved.append(user)


def person(**changes: Any) -> User:
    """An active plant user of Pune."""
    asha = User(
        id=uuid4(),
        email="asha@amber.example",
        full_name="Asha",
        role="plant",
        plant_id=PUNE,
        is_active=True,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
    return asha.model_copy(update=changes)


ASHA: Final = person(id=OWNER.user_id)
