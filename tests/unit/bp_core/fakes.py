"""An audit trail and a notifier that record what they are given, and users in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from bp_core.notifications import Notice
from bp_core.shared.auditing import AuditedEntity, Snapshot
from bp_core.shared.paging import Page
from bp_core.users import Profile, User, UserQuery
from tests.unit.bp_core.support import OWNER, PUNE

LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Note:
    """One line of an audit trail."""

    action: str
    entity: str
    entity_id: UUID
    before: Snapshot = None
    after: Snapshot = None


class RecordedAuditTrail:
    """An audit trail that records its entries."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def record(
        self,
        action: str,
        entity: AuditedEntity,
        entity_id: UUID,
        before: Snapshot = None,
        after: Snapshot = None,
    ) -> None:
        self.notes.append(Note(action, entity, entity_id, before, after))

    def actions(self) -> list[str]:
        return [note.action for note in self.notes]


class RecordedNotifier:
    """Records who would be notified of what."""

    def __init__(self) -> None:
        self.notices: list[tuple[object, Notice]] = []

    def notify_user(self, user_id: UUID, notice: Notice) -> None:
        self.notices.append((user_id, notice))

    def notify_plant(self, plant_id: UUID, notice: Notice) -> None:
        self.notices.append((plant_id, notice))

    def notify_headquarters(self, notice: Notice) -> None:
        self.notices.append(("hq", notice))

    def notify_of_registration(self, user_id: UUID, notice: Notice) -> None:
        self.notices.append((user_id, notice))

    def notify_uploader(self, container: str, blob_name: str, notice: Notice) -> None:
        self.notices.append((blob_name, notice))


class MemoryUsers:
    """Users in memory, and the users that were saved, in order."""

    def __init__(self, *people: User) -> None:
        self.people = {one.id: one for one in people}
        self.saved: list[User] = []

    def profile(self, user_id: UUID) -> Profile | None:
        user = self.people.get(user_id)
        if user is None:
            return None
        return Profile(**user.model_dump(), plant_short_name="Pune")

    def user(self, user_id: UUID) -> User | None:
        return self.people.get(user_id)

    def user_for_update(self, user_id: UUID) -> User | None:
        return self.people.get(user_id)

    def lock_with_headquarters(self, *user_ids: UUID) -> list[User]:
        people = self.people.values()
        return [one for one in people if one.id in user_ids or (one.role == "hq" and one.is_active)]

    def users(self, query: UserQuery) -> Page[User]:
        raise NotImplementedError("no test of these services lists users")

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
        plant_name="Pune Works",
        is_active=True,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
    return asha.model_copy(update=changes)


ASHA: Final = person(id=OWNER.user_id)
