"""The unit of work of one invocation: every service, built at first use, over one transaction or none."""

from collections.abc import Callable
from functools import cached_property
from uuid import UUID

from adapters.postgres import uploads as upload_tables
from adapters.postgres.analytics import PostgresAnalytics
from adapters.postgres.audit import PostgresAuditLog
from adapters.postgres.benchmarking import PostgresBenchmarks
from adapters.postgres.categories import PostgresCategories
from adapters.postgres.copying import PostgresCopies
from adapters.postgres.dashboard import PostgresDashboard
from adapters.postgres.idempotency import PostgresIdempotency
from adapters.postgres.jobs import PostgresJobs
from adapters.postgres.leaderboard import PostgresLeaderboard
from adapters.postgres.notifications import PostgresNotifications
from adapters.postgres.plants import PostgresPlants
from adapters.postgres.purging import PostgresExpired
from adapters.postgres.questions import PostgresQuestions
from adapters.postgres.reconciliation import PostgresBlobFailures, PostgresBlobInventory
from adapters.postgres.reviews import PostgresInbox
from adapters.postgres.savings import PostgresSavings
from adapters.postgres.uploads import PostgresFiles, PostgresUploads
from adapters.postgres.users import PostgresUsers
from bp_core.analytics.service import AnalyticsService
from bp_core.audit import AuditService
from bp_core.auth.accounts import AccountService
from bp_core.auth.invites import InviteService
from bp_core.auth.password_resets import PasswordResetService
from bp_core.auth.sign_in import SignInService
from bp_core.benchmarking import BenchmarkService
from bp_core.categories import CategoryService
from bp_core.copying import CopyService
from bp_core.jobs import JobService
from bp_core.leaderboard import LeaderboardService
from bp_core.notifications import DecisionNotifier, NotificationService, SubmissionNotifier
from bp_core.plants import PlantService
from bp_core.practices.editor import PracticeEditor
from bp_core.practices.listeners import AuditListener, PracticeListeners
from bp_core.practices.ports import PracticeListener
from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.practices.service import PracticeService
from bp_core.practices.spreadsheets import SpreadsheetService
from bp_core.practices.workflow import PracticeScope
from bp_core.purging import PurgeService
from bp_core.questions import QuestionService
from bp_core.reviews.inbox import InboxService
from bp_core.reviews.service import ReviewService
from bp_core.savings import SavingsService, StarRatingListener
from bp_core.uploads.failures import BlobGuard
from bp_core.uploads.kinds import DOCUMENTS, IMAGES
from bp_core.uploads.reconciliation import Reconciliation
from bp_core.uploads.recording import Recorder
from bp_core.uploads.service import UploadService
from bp_core.users import UserService
from functions import logs
from functions.shared_stores import SharedStores


class UnitOfWork(SharedStores):
    """The services of one invocation; those that write share one transaction, unless each statement commits.

    `context` says when the invocation happens and who acts; `portal` has what all invocations share.
    """

    def finish(self) -> None:
        """Do what had to wait for the commit. What fails is logged: the answer does not depend on it."""
        for action in self._after_commit:
            try:
                action()
            except Exception as failure:  # noqa: BLE001 - the caller gets the answer of what was committed
                logs.log_failure("after_commit_failed", failure)

    # The features

    @cached_property
    def practices(self) -> PracticeService:
        """Practices."""
        return PracticeService(self._practices, self._editor, self._points, self.portal.blobs, self.context)

    @cached_property
    def spreadsheets(self) -> SpreadsheetService:
        """Practices as spreadsheets."""
        return SpreadsheetService(
            store=self._practices,
            editor=self._editor_of(),
            listener=self._submissions,
            categories=PostgresCategories(self.sql),
            plants=PostgresPlants(self.sql),
            files=self.portal.spreadsheets,
            exports=self.portal.blobs,
            context=self.context,
        )

    @cached_property
    def uploads(self) -> UploadService:
        """Images and documents of practices."""
        return UploadService(
            store=PostgresUploads(self.sql),
            practices=self._practices,
            image_recorder=self.image_recorder,
            document_recorder=self.document_recorder,
            blobs=self.portal.blobs,
            context=self.context,
        )

    @cached_property
    def image_recorder(self) -> Recorder[StoredImage]:
        """Records images that arrive without a caller."""
        return Recorder(
            kind=IMAGES,
            store=PostgresFiles(self.sql, upload_tables.IMAGES),
            practices=self._practices,
            blobs=self.portal.blobs,
            examiner=self.portal.examiner,
            audit_trail=self._audit_trail,
            notifier=self._notifier,
            context=self.context,
            after_commit=self._after_commit.append,
        )

    @cached_property
    def document_recorder(self) -> Recorder[StoredDocument]:
        """Records documents that arrive without a caller."""
        return Recorder(
            kind=DOCUMENTS,
            store=PostgresFiles(self.sql, upload_tables.DOCUMENTS),
            practices=self._practices,
            blobs=self.portal.blobs,
            examiner=self.portal.examiner,
            audit_trail=self._audit_trail,
            notifier=self._notifier,
            context=self.context,
            after_commit=self._after_commit.append,
        )

    def reconciliation(self, recording: "UnitOfWork") -> Reconciliation:
        """Compare files and blobs in this transaction; `recording` (without one) records what was missed."""
        return Reconciliation(
            images=recording.image_recorder,
            documents=recording.document_recorder,
            inventory=PostgresBlobInventory(self.sql),
            guard=BlobGuard(PostgresBlobFailures(recording.sql), self.portal.blobs, self.context),
            blobs=self.portal.blobs,
            audit_trail=self._audit_trail,
            context=self.context,
        )

    @cached_property
    def reviews(self) -> ReviewService:
        """Reviews of practices."""
        return ReviewService(self._practices, self._editor, self.practices, self._points)

    @cached_property
    def review_inbox(self) -> InboxService:
        """Practices that wait for a decision of headquarters."""
        return InboxService(
            store=PostgresInbox(self.sql),
            editor=self._editor,
            links=self.portal.blobs,
            notifier=self._notifier,
            audit_trail=self._audit_trail,
            rules=self.portal.settings.review_rules,
            context=self.context,
        )

    @cached_property
    def benchmarking(self) -> BenchmarkService:
        """Benchmarks."""
        store = PostgresBenchmarks(self.sql)
        return BenchmarkService(store, self._editor, self._points, self._notifier, self._audit_trail)

    @cached_property
    def copying(self) -> CopyService:
        """Copies of practices."""
        return CopyService(
            store=PostgresCopies(self.sql),
            editor=self._editor,
            practices=self.practices,
            points=self._points,
            notifier=self._notifier,
            audit_trail=self._audit_trail,
        )

    @cached_property
    def leaderboard(self) -> LeaderboardService:
        """The leaderboard."""
        return LeaderboardService(PostgresLeaderboard(self.sql), self.context)

    @cached_property
    def questions(self) -> QuestionService:
        """Questions about practices."""
        return QuestionService(
            store=PostgresQuestions(self.sql),
            practices=self._practices,
            notifier=self._notifier,
            audit_trail=self._audit_trail,
            context=self.context,
        )

    @cached_property
    def notifications(self) -> NotificationService:
        """Notifications."""
        return NotificationService(PostgresNotifications(self.sql))

    @cached_property
    def plants(self) -> PlantService:
        """Plants."""
        return PlantService(PostgresPlants(self.sql), self._audit_trail, self.context)

    @cached_property
    def categories(self) -> CategoryService:
        """Categories."""
        return CategoryService(PostgresCategories(self.sql), self._audit_trail, self.context)

    @cached_property
    def savings(self) -> SavingsService:
        """Monthly savings and stars."""
        return SavingsService(PostgresSavings(self.sql), self.portal.settings.savings_rules, self.context)

    @cached_property
    def analytics(self) -> AnalyticsService:
        """Figures of plants and of the company."""
        return AnalyticsService(
            store=PostgresAnalytics(self.sql),
            dashboards=PostgresDashboard(self.sql),
            links=self.portal.blobs,
            rules=self.portal.settings.savings_rules,
            context=self.context,
        )

    @cached_property
    def audit(self) -> AuditService:
        """The audit trail."""
        return AuditService(PostgresAuditLog(self.sql))

    @cached_property
    def jobs(self) -> JobService:
        """Runs of jobs."""
        return JobService(PostgresJobs(self.sql), self.context)

    @cached_property
    def purging(self) -> PurgeService:
        """Deletion of what has expired."""
        return PurgeService(PostgresExpired(self.sql), self.portal.blobs, self.context)

    @cached_property
    def sign_in(self) -> SignInService:
        """Sign-in, sessions, and who is calling."""
        return SignInService(
            accounts=self._accounts,
            sessions=self._sessions,
            passwords=self._passwords,
            tokens=self.portal.tokens,
            audit_trail=self._audit_trail,
            context=self.context,
        )

    @cached_property
    def accounts(self) -> AccountService:
        """Registration and passwords."""
        return AccountService(
            accounts=self._accounts,
            sessions=self._sessions,
            invites=self._invites,
            resets=self._resets,
            passwords=self._passwords,
            tokens=self.portal.tokens,
            notifier=self._notifier,
            audit_trail=self._audit_trail,
            context=self.context,
        )

    @cached_property
    def invites(self) -> InviteService:
        """Invites."""
        return InviteService(
            self._invites, self._accounts, self.portal.tokens, self._audit_trail, self.context
        )

    @cached_property
    def password_resets(self) -> PasswordResetService:
        """Password resets."""
        return PasswordResetService(
            store=self._resets,
            users=self.users,
            sessions=self._sessions,
            passwords=self._passwords,
            tokens=self.portal.tokens,
            audit_trail=self._audit_trail,
            context=self.context,
            web_app_url=self.portal.settings.web_app_url,
        )

    @cached_property
    def users(self) -> UserService:
        """Users."""
        return UserService(
            store=PostgresUsers(self.sql),
            sessions=self._sessions,
            invites=self._invites,
            resets=self._resets,
            audit_trail=self._audit_trail,
            context=self.context,
        )

    # What the edge needs

    @cached_property
    def idempotency(self) -> PostgresIdempotency:
        """The idempotency keys in use, with their answers."""
        return PostgresIdempotency(self.sql)

    def practice_scope(self, practice_id: UUID) -> PracticeScope | None:
        """Return what decides who may use a practice; None if there is no such practice."""
        return self._practices.scope(practice_id)

    def question_scope(self, question_id: UUID) -> PracticeScope | None:
        """Return what decides who may use the practice of a question; None if there is no such question."""
        return PostgresQuestions(self.sql).scope(question_id)

    # What several features share

    @cached_property
    def _after_commit(self) -> list[Callable[[], None]]:
        return []

    @cached_property
    def _editor(self) -> PracticeEditor:
        return self._editor_of(DecisionNotifier(self._notifier), self._submissions)

    def _editor_of(self, *notifiers: PracticeListener) -> PracticeEditor:
        listeners = (AuditListener(self._audit_trail), StarRatingListener(self.savings), *notifiers)
        return PracticeEditor(self._practices, PracticeListeners(listeners), self.context)

    @cached_property
    def _submissions(self) -> SubmissionNotifier:
        return SubmissionNotifier(self._notifier)
