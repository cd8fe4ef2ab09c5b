"""Stores in memory, one for each feature of the domain."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4

from bp_core.audit import AuditEntry, AuditQuery
from bp_core.benchmarking import Benchmark, BenchmarkQuery, ListedBenchmark
from bp_core.categories import Category, NewCategory
from bp_core.copying import Copy, CopyRecord, ImplementationStatus, OwnCopy, Spread
from bp_core.jobs import LEASE, JobRun, RunTrigger
from bp_core.leaderboard import LeaderboardTotals, PlantPoints, PointsBreakdown, Standing
from bp_core.plants import NewPlant, Plant, PlantRecord, PlantsQuery
from bp_core.practices.workflow import PracticeScope
from bp_core.questions import Question
from bp_core.reviews.schemas import InboxQuery, OverdueReviews, StoredWaitingPractice
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Month
from bp_core.shared.context import Context
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.practices.fakes import MemoryPractices, list_item
from tests.unit.bp_core.support import CATEGORY, PUNE

LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)

PUNE_RECORD: Final = PlantRecord(
    id=PUNE,
    name="Pune Works",
    short_name="Pune",
    division="Components",
    is_active=True,
    created_at=LONG_AGO,
    updated_at=LONG_AGO,
    total_practices=7,
    benchmarked_count=2,
    monthly_practices=1,
    annualised_savings=Decimal(136),
)

ENERGY: Final = Category(
    id=CATEGORY,
    name="Energy",
    slug="energy",
    color_class="green",
    icon_name="bolt",
    created_at=LONG_AGO,
    practice_count=3,
)


class MemoryPlants:
    """Stores plants: one with figures, and those that are added."""

    def __init__(self, record: PlantRecord = PUNE_RECORD) -> None:
        self._record = record
        self.requested: list[Month] = []
        self.saved: list[Plant] = []
        self.stored = {record.id: Plant.model_validate(record, from_attributes=True)}

    def plants(self, query: PlantsQuery) -> Page[Plant]:
        found = [one for one in self.stored.values() if query.is_active in (None, one.is_active)]
        return Page.of(found, query)

    def add(self, new: NewPlant, now: datetime) -> Plant:
        added = Plant(id=uuid4(), **new.model_dump(), created_at=now, updated_at=now)
        self.stored[added.id] = added
        return added

    def plant_for_update(self, plant_id: UUID) -> Plant | None:
        return self.stored.get(plant_id)

    def save(self, plant: Plant) -> None:
        self.stored[plant.id] = plant
        self.saved.append(plant)

    def plant(self, plant_id: UUID, this_month: Month) -> PlantRecord | None:
        self.requested.append(this_month)
        return self._record if plant_id == self._record.id else None


class MemoryCategories:
    """Stores categories: one, and those that are added."""

    def __init__(self) -> None:
        self.stored = {CATEGORY: ENERGY}
        self.locked: list[UUID] = []
        self.saved: list[Category] = []

    def categories(self, query: PageQuery) -> Page[Category]:
        return Page.of(list(self.stored.values()), query)

    def category(self, category_id: UUID) -> Category | None:
        return self.stored.get(category_id)

    def add(self, new: NewCategory, slug: str, now: datetime) -> UUID:
        request = new.model_dump(exclude={"slug"})
        added = Category(id=uuid4(), **request, slug=slug, created_at=now, practice_count=0)
        self.stored[added.id] = added
        return added.id

    def lock(self, category_id: UUID) -> None:
        self.locked.append(category_id)

    def save(self, category: Category) -> None:
        self.stored[category.id] = category
        self.saved.append(category)


class MemoryBenchmarks:
    """Stores benchmarks by their practice."""

    def __init__(self) -> None:
        self.stored: dict[UUID, Benchmark] = {}

    def add(self, practice_id: UUID, by_user_id: UUID, context: Context) -> Benchmark:
        added = Benchmark(
            id=uuid4(),
            practice_id=practice_id,
            benchmarked_by_user_id=by_user_id,
            benchmarked_date=context.today,
            created_at=context.now,
        )
        self.stored[practice_id] = added
        return added

    def remove(self, practice_id: UUID) -> Benchmark:
        return self.stored.pop(practice_id)

    def benchmarks(self, query: BenchmarkQuery) -> Page[ListedBenchmark]:
        raise NotImplementedError("no unit test lists benchmarks")

    def count(self) -> int:
        return len(self.stored)


class MemoryCopies:
    """Stores copies; a plant copies each original once."""

    def __init__(self, practices: MemoryPractices, *copies: CopyRecord) -> None:
        self._practices = practices
        self.stored = {one.id: one for one in copies}

    def add(
        self, original_id: UUID, copied_id: UUID, status: ImplementationStatus, context: Context
    ) -> CopyRecord | None:
        plant_id = self._practices.states[copied_id].plant_id
        if any(
            (one.original_practice_id, one.copying_plant_id) == (original_id, plant_id)
            for one in self.stored.values()
        ):
            return None
        added = copy_record(
            original_practice_id=original_id,
            copied_practice_id=copied_id,
            copying_plant_id=plant_id,
            copied_date=context.today,
            implementation_status=status,
        )
        self.stored[added.id] = added
        return added

    def copy_for_update(self, copy_id: UUID) -> CopyRecord | None:
        return self.stored.get(copy_id)

    def save_status(self, copy_id: UUID, status: ImplementationStatus, now: datetime) -> CopyRecord:
        update = {"implementation_status": status, "updated_at": now}
        self.stored[copy_id] = self.stored[copy_id].model_copy(update=update)
        return self.stored[copy_id]

    def copies(self, caller: Caller, original_id: UUID, query: PageQuery) -> Page[Copy]:
        return Page.of([], query)

    def own(self, caller: Caller, query: PageQuery) -> Page[OwnCopy]:
        raise NotImplementedError("no unit test lists the copies of a plant")

    def benchmarked(self, caller: Caller, query: PageQuery) -> Page[Spread]:
        raise NotImplementedError("no unit test lists benchmarked practices")

    def deployed(self, caller: Caller, query: PageQuery) -> Page[Spread]:
        raise NotImplementedError("no unit test lists copied practices")


class MemoryQuestions:
    """Stores questions."""

    def __init__(self, practices: MemoryPractices, *questions: Question) -> None:
        self._practices = practices
        self.stored = {one.id: one for one in questions}

    def questions(self, practice_id: UUID, query: PageQuery) -> Page[Question]:
        found = [one for one in self.stored.values() if one.practice_id == practice_id]
        return Page(found, len(found), query.limit, query.offset)

    def scope(self, question_id: UUID) -> PracticeScope | None:
        found = self.stored.get(question_id)
        return self._practices.scope(found.practice_id) if found else None

    def add(self, practice_id: UUID, asker_id: UUID, text: str, now: datetime) -> Question:
        added = question(
            question_id=uuid4(),
            practice_id=practice_id,
            asked_by_user_id=asker_id,
            question_text=text,
            created_at=now,
        )
        self.stored[added.id] = added
        return added

    def question_for_update(self, question_id: UUID) -> Question | None:
        return self.stored.get(question_id)

    def answer(self, question_id: UUID, answerer_id: UUID, text: str, now: datetime) -> Question:
        update = {"answer_text": text, "answered_by_user_id": answerer_id, "answered_at": now}
        self.stored[question_id] = self.stored[question_id].model_copy(update=update)
        return self.stored[question_id]

    def remove(self, question_id: UUID) -> None:
        del self.stored[question_id]


EARNED: Final = [PlantPoints(PUNE, 2025, 10, 0)]
ADDED: Final = [PlantPoints(PUNE, 2025, -10, 0)]


class MemoryLeaderboard:
    """Records the order of its calls. Through every practice the same points are earned."""

    def __init__(self, originals: dict[UUID, UUID] | None = None) -> None:
        self._originals = originals or {}
        self.calls: list[tuple[object, ...]] = []

    def earned_through(self, practice_id: UUID) -> list[PlantPoints]:
        self.calls.append(("earned through", practice_id))
        return EARNED

    def add_difference(self, practice_id: UUID, before: list[PlantPoints]) -> list[PlantPoints]:
        self.calls.append(("added difference", practice_id, before))
        return ADDED

    def lock_original_of(self, practice_id: UUID) -> UUID | None:
        self.calls.append(("locked original of", practice_id))
        return self._originals.get(practice_id)

    def recalculate(self, year: int | None) -> list[PlantPoints]:
        raise NotImplementedError("no unit test recalculates points")

    def totals(self, year: int | None) -> LeaderboardTotals:
        raise NotImplementedError("no unit test sums points")

    def standings(self, year: int, part: PageQuery) -> Page[Standing]:
        raise NotImplementedError("no unit test ranks plants")

    def breakdown(self, plant_id: UUID, year: int) -> PointsBreakdown | None:
        self.calls.append(("breakdown", plant_id, year))
        if plant_id != PUNE:
            return None
        return PointsBreakdown(plant_id=PUNE, plant_name="Pune", copied=[], originated=[])


class MemoryRuns:
    """Stores the runs of jobs."""

    def __init__(self) -> None:
        self.runs: dict[UUID, JobRun] = {}

    def started(self, name: str, trigger: RunTrigger, at: datetime, lease_until: datetime) -> UUID:
        assert lease_until == at + LEASE
        run_id = uuid4()
        self.runs[run_id] = JobRun(
            id=run_id,
            name=name,
            trigger=trigger.kind,
            scheduled_for=trigger.scheduled_for,
            past_due=trigger.past_due,
            state="running",
            started_at=at,
            finished_at=None,
            rows=None,
            error=None,
        )
        return run_id

    def is_done(self, name: str, scheduled_for: datetime) -> bool:
        return any(
            (run.name, run.scheduled_for, run.state) == (name, scheduled_for, "completed")
            for run in self.runs.values()
        )

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        end = {"state": "failed" if error else "completed", "finished_at": at, "rows": rows, "error": error}
        self.runs[run_id] = self.runs[run_id].model_copy(update=end)
        return self.runs[run_id]

    def last_runs(self, per_job: int, now: datetime, query: PageQuery) -> Page[JobRun]:
        return Page.of(list(self.runs.values())[-per_job:], query)


class MemoryAuditLog:
    """An audit log without entries."""

    def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        return Page([], 0, query.limit, query.offset)


def copy_record(
    *,
    original_practice_id: UUID,
    copying_plant_id: UUID,
    copied_practice_id: UUID | None = None,
    copied_date: date | None = None,
    implementation_status: ImplementationStatus = "planning",
) -> CopyRecord:
    """Make the record of a copy."""
    return CopyRecord(
        id=uuid4(),
        original_practice_id=original_practice_id,
        copied_practice_id=copied_practice_id or uuid4(),
        copying_plant_id=copying_plant_id,
        copied_date=copied_date or LONG_AGO.date(),
        implementation_status=implementation_status,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )


def question(
    *,
    question_id: UUID,
    practice_id: UUID,
    asked_by_user_id: UUID,
    question_text: str = "How long are the hoses?",
    created_at: datetime = LONG_AGO,
) -> Question:
    """Make a question without an answer."""
    return Question(
        id=question_id,
        practice_id=practice_id,
        asked_by_user_id=asked_by_user_id,
        asked_by_name="Ravi",
        question_text=question_text,
        answer_text=None,
        answered_by_user_id=None,
        answered_by_name=None,
        answered_at=None,
        created_at=created_at,
    )


class MemoryInbox:
    """Practices that wait for a decision; a test says who is a reviewer and what is overdue."""

    def __init__(self, practices: MemoryPractices) -> None:
        self._practices = practices
        self.waiting_since = LONG_AGO
        self.reviewers: set[UUID] = set()
        self.overdue_reviews: list[OverdueReviews] = []
        self.calls: list[tuple[str, datetime]] = []

    def inbox(
        self, caller: Caller, query: InboxQuery, overdue_before: datetime
    ) -> Page[StoredWaitingPractice]:
        self.calls.append(("inbox", overdue_before))
        found = [self.waiting(one.id) for one in self._practices.states.values() if one.status == "submitted"]
        return Page(found, len(found), query.limit, query.offset)

    def waiting(self, practice_id: UUID) -> StoredWaitingPractice:
        state = self._practices.states[practice_id]
        return StoredWaitingPractice(
            **{**list_item().model_dump(), "id": practice_id, "status": state.status},
            waiting_since=self.waiting_since,
            reviewer_id=state.reviewer_id,
            reviewer_name=None if state.reviewer_id is None else "Meera",
            resubmission=state.was_decided,
        )

    def is_reviewer(self, user_id: UUID) -> bool:
        return user_id in self.reviewers

    def overdue(self, overdue_before: datetime, day_start: datetime) -> list[OverdueReviews]:
        self.calls += [("overdue", overdue_before), ("not reminded since", day_start)]
        return self.overdue_reviews

    def remove_reminders(self, before: datetime) -> None:
        self.calls.append(("removed reminders", before))
