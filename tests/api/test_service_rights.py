"""Rights are checked in the services: every method is called by a stranger, without the edge, and refuses.

A method is in REFUSED, or in OPEN with the reason why every signed-in user may call it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from bp_core.audit import AuditQuery
from bp_core.auth.schemas import NewInvite
from bp_core.categories import CategoryChanges, NewCategory
from bp_core.copying import CopyChanges, NewCopy
from bp_core.leaderboard import CalendarYearQuery
from bp_core.plants import NewPlant, PlantChanges
from bp_core.practices.queries import OwnPracticeQuery
from bp_core.practices.schemas import NewPractice, PracticeChanges, Submission
from bp_core.questions import Answer, NewQuestion
from bp_core.reviews.schemas import DeclineRequest, HandOver, InboxQuery, RevisionRequest
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound
from bp_core.shared.schemas import PageQuery
from bp_core.uploads.schemas import DocumentConfirmation, ImageConfirmation, ImageUpload, UploadRequest
from bp_core.users import UserChanges, UserQuery
from functions.jobs import catalogue, runs
from functions.unit_of_work import UnitOfWork
from tests.world import Person, World, confirmation, document_confirmation, picture, upload_request


@dataclass(frozen=True)
class Scene:
    """What the strangers find: practices of plant 0, and callers who have no right to change them."""

    neighbour: Caller
    """A user of plant 1."""
    headquarters: Caller
    draft: UUID
    submitted: UUID
    benchmarked: UUID
    copy: UUID
    """A copy of `benchmarked` by plant 2."""
    question: UUID
    """A question of plant 2 about `submitted`."""
    question_about_draft: UUID
    image: UUID
    plant: UUID
    category: UUID
    user: UUID


@pytest.fixture
def scene(world: World) -> Scene:
    hq, owner, neighbour, copier = world.headquarters(), *(world.plant_user(plant) for plant in range(3))
    draft, submitted = world.practice(owner), world.practice(owner, "submitted")
    benchmarked = world.approved(hq, 0)
    assert hq.post(f"/benchmarking/benchmark/{benchmarked['id']}").status_code == 201
    made = copier.post("/copy/implement", {"original_practice_id": benchmarked["id"]}).json()["data"]
    question = copier.post(f"/questions/practice/{submitted['id']}", {"question_text": "Which nozzle?"})
    own_question = owner.post(f"/questions/practice/{draft['id']}", {"question_text": "Which line?"})
    files = {"file": ("joint.jpg", picture(), "image/jpeg")}
    path = f"/api/v1/best-practices/{submitted['id']}/upload-image"
    image = owner.http.post(path, data={"image_type": "before"}, files=files)
    return Scene(
        neighbour=caller(world, neighbour),
        headquarters=caller(world, hq),
        draft=UUID(draft["id"]),
        submitted=UUID(submitted["id"]),
        benchmarked=UUID(benchmarked["id"]),
        copy=UUID(made["copy_record"]["id"]),
        question=UUID(question.json()["data"]["id"]),
        question_about_draft=UUID(own_question.json()["data"]["id"]),
        image=UUID(image.json()["data"]["id"]),
        plant=world.plants[3],
        category=world.categories[0],
        user=caller(world, owner).user_id,
    )


def caller(world: World, person: Person) -> Caller:
    [[user_id]] = world.query("SELECT id FROM users WHERE email = %s", person.email)
    return Caller(user_id, None, "hq" if person.plant_id is None else "plant", person.plant_id)


def image_request(practice_id: UUID) -> UploadRequest:
    return UploadRequest.model_validate(upload_request(str(practice_id)))


def image_confirmation(practice_id: UUID) -> ImageConfirmation:
    blob_name = f"practices/{practice_id}/before_1755239400000.jpg"
    return ImageConfirmation.model_validate(confirmation(blob_name))


def confirmed_document(practice_id: UUID) -> DocumentConfirmation:
    blob_name = f"documents/{practice_id}/work-instruction_1755239400000.pdf"
    return DocumentConfirmation.model_validate(document_confirmation(blob_name))


IMAGE: Final = ImageUpload("before", "joint.jpg", "image/jpeg", picture())
ANSWER: Final = Answer(answer_text="The short one.")
REFUSAL: Final = DeclineRequest(reason="Too dear.")
COMMENT: Final = RevisionRequest(comment="Say more.")
TITLE: Final = PracticeChanges(title="Mine now")

Call = Callable[[UnitOfWork, Scene], object]
Refused = tuple[str, type[Exception], Call]

REFUSED: Final[list[Refused]] = [
    # Another plant's practices: what everybody sees may not be changed, a draft does not exist.
    ("practices.create", Forbidden,
     lambda work, s: work.practices.create(s.neighbour, NewPractice(title="Theirs", plant_id=s.plant))),
    ("practices.edit", Forbidden, lambda work, s: work.practices.edit(s.neighbour, s.submitted, TITLE)),
    ("practices.edit", NotFound, lambda work, s: work.practices.edit(s.neighbour, s.draft, TITLE)),
    ("practices.delete", Forbidden, lambda work, s: work.practices.delete(s.neighbour, s.submitted)),
    ("practices.delete", NotFound, lambda work, s: work.practices.delete(s.neighbour, s.draft)),
    ("practices.show", NotFound, lambda work, s: work.practices.show(s.neighbour, s.draft)),
    ("practices.similar_to", NotFound,
     lambda work, s: work.practices.similar_to(s.neighbour, s.draft, PageQuery())),
    ("practices.statistics", NotFound, lambda work, s: work.practices.statistics(s.neighbour, s.draft)),
    ("practices.search_own", Forbidden,
     lambda work, s: work.practices.search_own(s.headquarters, OwnPracticeQuery())),
    ("reviews.submit", Forbidden,
     lambda work, s: work.reviews.submit(s.neighbour, s.submitted, Submission())),
    ("reviews.submit", NotFound, lambda work, s: work.reviews.submit(s.neighbour, s.draft, Submission())),
    ("reviews.approve", Forbidden, lambda work, s: work.reviews.approve(s.neighbour, s.submitted)),
    ("reviews.request_revision", Forbidden,
     lambda work, s: work.reviews.request_revision(s.neighbour, s.submitted, COMMENT)),
    ("reviews.decline", Forbidden,
     lambda work, s: work.reviews.decline(s.neighbour, s.submitted, REFUSAL)),
    ("reviews.reopen", Forbidden, lambda work, s: work.reviews.reopen(s.neighbour, s.submitted)),
    ("reviews.withdraw", Forbidden, lambda work, s: work.reviews.withdraw(s.neighbour, s.submitted)),
    ("reviews.withdraw", NotFound, lambda work, s: work.reviews.withdraw(s.neighbour, s.draft)),
    ("review_inbox.search", Forbidden, lambda work, s: work.review_inbox.search(s.neighbour, InboxQuery())),
    ("review_inbox.take", Forbidden, lambda work, s: work.review_inbox.take(s.neighbour, s.submitted)),
    ("review_inbox.hand_over", Forbidden,
     lambda work, s: work.review_inbox.hand_over(s.neighbour, s.submitted, HandOver(user_id=None))),
    ("reviews.history", Forbidden,
     lambda work, s: work.reviews.history(s.neighbour, s.submitted, PageQuery())),
    ("reviews.history", NotFound, lambda work, s: work.reviews.history(s.neighbour, s.draft, PageQuery())),
    ("uploads.presign", Forbidden,
     lambda work, s: work.uploads.presign(s.neighbour, image_request(s.submitted))),
    ("uploads.presign", NotFound, lambda work, s: work.uploads.presign(s.neighbour, image_request(s.draft))),
    ("uploads.confirm_image", Forbidden,
     lambda work, s: work.uploads.confirm_image(s.neighbour, s.submitted, image_confirmation(s.submitted))),
    ("uploads.confirm_document", Forbidden,
     lambda work, s: work.uploads.confirm_document(
         s.neighbour, s.submitted, confirmed_document(s.submitted))),
    ("uploads.upload_image", Forbidden,
     lambda work, s: work.uploads.upload_image(s.neighbour, s.submitted, IMAGE)),
    ("uploads.images", NotFound, lambda work, s: work.uploads.images(s.neighbour, s.draft, PageQuery())),
    ("uploads.documents", NotFound,
     lambda work, s: work.uploads.documents(s.neighbour, s.draft, PageQuery())),
    ("uploads.uploads", Forbidden,
     lambda work, s: work.uploads.uploads(s.neighbour, s.submitted, PageQuery())),
    ("uploads.remove_image", Forbidden,
     lambda work, s: work.uploads.remove_image(s.neighbour, s.submitted, s.image)),
    ("uploads.remove_document", Forbidden,
     lambda work, s: work.uploads.remove_document(s.neighbour, s.submitted, uuid4())),
    ("questions.search", NotFound, lambda work, s: work.questions.search(s.neighbour, s.draft, PageQuery())),
    ("questions.ask", NotFound,
     lambda work, s: work.questions.ask(s.neighbour, s.draft, NewQuestion(question_text="What?"))),
    ("questions.answer", Forbidden, lambda work, s: work.questions.answer(s.neighbour, s.question, ANSWER)),
    ("questions.answer", NotFound,
     lambda work, s: work.questions.answer(s.neighbour, s.question_about_draft, ANSWER)),
    ("questions.remove", Forbidden, lambda work, s: work.questions.remove(s.neighbour, s.question)),
    ("questions.remove", NotFound,
     lambda work, s: work.questions.remove(s.neighbour, s.question_about_draft)),
    ("copying.implement", Forbidden,
     lambda work, s: work.copying.implement(s.headquarters, NewCopy(original_practice_id=s.benchmarked))),
    ("copying.set_progress", Forbidden,
     lambda work, s: work.copying.set_progress(
         s.neighbour, s.copy, CopyChanges(implementation_status="in_progress"))),
    ("copying.copies", NotFound, lambda work, s: work.copying.copies(s.neighbour, s.draft, PageQuery())),
    ("copying.own", Forbidden, lambda work, s: work.copying.own(s.headquarters, PageQuery())),
    # For headquarters only.
    ("benchmarking.benchmark", Forbidden,
     lambda work, s: work.benchmarking.benchmark(s.neighbour, s.submitted)),
    ("benchmarking.unbenchmark", Forbidden,
     lambda work, s: work.benchmarking.unbenchmark(s.neighbour, s.benchmarked)),
    ("plants.inactive", Forbidden, lambda work, s: work.plants.inactive(s.neighbour, PageQuery())),
    ("plants.create", Forbidden,
     lambda work, s: work.plants.create(s.neighbour, NewPlant(name="X", short_name="X", division="X"))),
    ("plants.edit", Forbidden,
     lambda work, s: work.plants.edit(s.neighbour, s.plant, PlantChanges(name="Mine"))),
    ("plants.set_active", Forbidden,
     lambda work, s: work.plants.set_active(s.neighbour, s.plant, active=False)),
    ("categories.create", Forbidden,
     lambda work, s: work.categories.create(
         s.neighbour, NewCategory(name="X", color_class="red", icon_name="bolt"))),
    ("categories.edit", Forbidden,
     lambda work, s: work.categories.edit(s.neighbour, s.category, CategoryChanges(name="Mine"))),
    ("users.search", Forbidden, lambda work, s: work.users.search(s.neighbour, UserQuery())),
    ("users.show", Forbidden, lambda work, s: work.users.show(s.neighbour, s.user)),
    ("users.edit", Forbidden, lambda work, s: work.users.edit(s.neighbour, s.user, UserChanges(role="hq"))),
    ("users.activate", Forbidden, lambda work, s: work.users.activate(s.neighbour, s.user)),
    ("password_resets.issue", Forbidden, lambda work, s: work.password_resets.issue(s.neighbour, s.user)),
    ("users.lock", Forbidden, lambda work, s: work.users.lock(s.neighbour, s.user)),
    ("users.deactivate", Forbidden, lambda work, s: work.users.deactivate(s.neighbour, s.user)),
    ("invites.invite", Forbidden,
     lambda work, s: work.invites.invite(s.neighbour, NewInvite(email="a@amber.test", role="hq"))),
    ("invites.search", Forbidden, lambda work, s: work.invites.search(s.neighbour, PageQuery())),
    ("invites.withdraw", Forbidden, lambda work, s: work.invites.withdraw(s.neighbour, uuid4())),
    ("audit.search", Forbidden, lambda work, s: work.audit.search(s.neighbour, AuditQuery())),
    ("jobs.last_runs", Forbidden, lambda work, s: work.jobs.last_runs(s.neighbour, PageQuery())),
    ("leaderboard.totals", Forbidden,
     lambda work, s: work.leaderboard.totals(s.neighbour, CalendarYearQuery())),
    # Other people's things.
    ("sign_in.end_session", NotFound, lambda work, s: work.sign_in.end_session(s.neighbour, uuid4())),
    ("notifications.mark_read", NotFound, lambda work, s: work.notifications.mark_read(s.neighbour, uuid4())),
]  # fmt: skip

OPEN: Final = {
    "practices.search": "lists what the caller may see",
    "practices.similar": "lists what the caller may see",
    "spreadsheets.export": "exports what the caller may see",
    "spreadsheets.import_practices": "each row is checked like practices.create",
    "copying.benchmarked": "lists what the caller may see",
    "copying.deployed": "lists what the caller may see",
    "notifications.search": "one's own",
    "notifications.unread_count": "one's own",
    "notifications.mark_all_read": "one's own",
    "users.profile": "one's own",
    "users.rename": "one's own",
    "accounts.change_password": "one's own",
    "sign_in.require_unchanged": "checks the caller",
    "sign_in.sign_out": "one's own",
    "sign_in.open_sessions": "one's own",
    "analytics.overview": "figures are for everybody (api.md)",
    "analytics.dashboard": "figures are for everybody (api.md)",
}


def written(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    tables = world.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    return {name: world.query(f'SELECT t::text FROM "{name}" t ORDER BY 1') for (name,) in tables}


def test_every_service_method_refuses_a_stranger_and_writes_nothing(world: World, scene: Scene) -> None:
    before = written(world)
    refusals = []
    for name, refusal, call in REFUSED:
        with pytest.raises(refusal), world.portal.unit_of_work(transaction=True) as work:
            call(work, scene)
            pytest.fail(f"{name} did not refuse with {refusal.__name__}", pytrace=False)
        refusals.append(name)
    assert len(refusals) == len(REFUSED)
    assert written(world) == before


def test_a_stranger_runs_no_job(world: World, scene: Scene) -> None:
    with pytest.raises(Forbidden), world.portal.unit_of_work(transaction=False) as work:
        runs.run_manually(work, scene.neighbour, catalogue.recalculate_savings, 2026)
    assert world.query("SELECT * FROM job_runs") == []


def test_no_service_method_is_missing_from_these_tables(world: World) -> None:
    with world.portal.unit_of_work(transaction=False) as work:
        methods = {
            f"{name}.{method}"
            for name, member in vars(UnitOfWork).items()
            if isinstance(member, cached_property) and not name.startswith("_")
            for method, function in inspect.getmembers(type(getattr(work, name)), inspect.isfunction)
            if not method.startswith("_") and "caller" in inspect.signature(function).parameters
        }
    assert methods == {name for name, _, _ in REFUSED} | OPEN.keys()
