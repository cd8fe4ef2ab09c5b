"""Every service of the domain over stores in memory."""

from zoneinfo import ZoneInfo

from bp_core.audit import AuditService
from bp_core.benchmarking import BenchmarkService
from bp_core.categories import CategoryService
from bp_core.copying import CopyRecord, CopyService
from bp_core.jobs import JobService
from bp_core.leaderboard import LeaderboardService, PointsUpdater
from bp_core.plants import PlantService
from bp_core.practices.editor import PracticeEditor
from bp_core.practices.service import PracticeService
from bp_core.practices.workflow import PracticeState
from bp_core.questions import Question, QuestionService
from bp_core.reviews.inbox import InboxService, ReviewRules
from bp_core.reviews.service import ReviewService
from tests.unit.bp_core.fakes import RecordedAuditTrail, RecordedNotifier
from tests.unit.bp_core.practices.fakes import MemoryPractices, PlainLinks, RecordedChanges, RecordedPoints
from tests.unit.bp_core.stores import (
    MemoryAuditLog,
    MemoryBenchmarks,
    MemoryCategories,
    MemoryCopies,
    MemoryInbox,
    MemoryLeaderboard,
    MemoryPlants,
    MemoryQuestions,
    MemoryRuns,
)
from tests.unit.bp_core.support import context


class MemoryServices:
    """The services of one unit of work, and the stores and fakes behind them."""

    def __init__(self, *practices: PracticeState) -> None:
        self.context = context()
        self.audit_trail = RecordedAuditTrail()
        self.notifier = RecordedNotifier()
        self.listener = RecordedChanges()
        self.points = RecordedPoints()
        self.practice_store = MemoryPractices(*practices)
        self.benchmark_store = MemoryBenchmarks()
        self.copy_store = MemoryCopies(self.practice_store)
        self.question_store = MemoryQuestions(self.practice_store)
        self.inbox_store = MemoryInbox(self.practice_store)
        self.leaderboard_store = MemoryLeaderboard()
        self.plant_store = MemoryPlants()
        self.category_store = MemoryCategories()
        self._build_practice_services()
        self._build_other_services()

    def _build_practice_services(self) -> None:
        store, updater = self.practice_store, PointsUpdater(self.leaderboard_store)
        self.editor = PracticeEditor(store, self.listener, self.context)
        self.practices = PracticeService(store, self.editor, self.points, PlainLinks(), self.context)
        self.reviews = ReviewService(store, self.editor, self.practices, self.points)
        self.review_inbox = InboxService(
            store=self.inbox_store,
            editor=self.editor,
            links=PlainLinks(),
            notifier=self.notifier,
            audit_trail=self.audit_trail,
            rules=ReviewRules(5, ZoneInfo("Asia/Kolkata")),
            context=self.context,
        )
        self.benchmarking = BenchmarkService(
            self.benchmark_store, self.editor, updater, self.notifier, self.audit_trail
        )
        self.copying = CopyService(
            self.copy_store, self.editor, self.practices, updater, self.notifier, self.audit_trail
        )
        self.questions = QuestionService(
            self.question_store, store, self.notifier, self.audit_trail, self.context
        )

    def _build_other_services(self) -> None:
        self.leaderboard = LeaderboardService(self.leaderboard_store, self.context)
        self.plants = PlantService(self.plant_store, self.audit_trail, self.context)
        self.categories = CategoryService(self.category_store, self.audit_trail, self.context)
        self.jobs = JobService(MemoryRuns(), self.context)
        self.audit = AuditService(MemoryAuditLog())

    def add_question(self, question: Question) -> None:
        """Store a question that was asked before."""
        self.question_store.stored[question.id] = question

    def add_copy(self, record: CopyRecord) -> None:
        """Store a copy that was made before."""
        self.copy_store.stored[record.id] = record

    def written(self) -> list[object]:
        """Return everything that use cases write, to compare it before and after a call."""
        practices = self.practice_store
        return [
            dict(practices.states),
            list(practices.saved),
            list(practices.transitions),
            list(practices.viewed),
            list(self.listener.changes),
            list(self.points.updated),
            dict(self.benchmark_store.stored),
            dict(self.copy_store.stored),
            dict(self.question_store.stored),
            dict(self.plant_store.stored),
            dict(self.category_store.stored),
            [call for call in self.leaderboard_store.calls if call[0] == "added difference"],
            list(self.audit_trail.notes),
            list(self.notifier.notices),
        ]
