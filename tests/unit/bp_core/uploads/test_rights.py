"""Every method of the upload service checks the rights of its caller, writing ones on the locked practice."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import pytest

from bp_core.practices.schemas import Status
from bp_core.practices.workflow import PracticeScope
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound, PortalError
from bp_core.shared.schemas import PageQuery
from bp_core.uploads.kinds import RejectedFileError
from bp_core.uploads.results import Recorded, Rejected
from bp_core.uploads.rights import Uploader, require_uploader
from bp_core.uploads.schemas import (
    DocumentConfirmation,
    ImageConfirmation,
    ImageUpload,
    UploadRequest,
)
from bp_core.uploads.service import UploadService
from tests.unit.bp_core.support import HQ, NEIGHBOUR, OWNER, PUNE, STATUSES, practice
from tests.unit.bp_core.uploads.fakes import DAMAGED, EPOCH_MS, JPEG, PDF, PRACTICE_ID, World

IMAGE_BLOB: Final = f"practices/{PRACTICE_ID}/before_{EPOCH_MS}.jpg"
DOCUMENT_BLOB: Final = f"documents/{PRACTICE_ID}/plan_{EPOCH_MS}.pdf"

Call = Callable[[UploadService, Caller], object]


def image_confirmation() -> ImageConfirmation:
    return ImageConfirmation(
        image_type="before",
        blob_name=IMAGE_BLOB,
        blob_container="best-practices",
        file_size=1,
        content_type="image/jpeg",
    )


def document_confirmation() -> DocumentConfirmation:
    return DocumentConfirmation(
        document_name="Plan",
        blob_name=DOCUMENT_BLOB,
        blob_container="supporting-documents",
        file_size=1,
        content_type="application/pdf",
    )


def upload_request() -> UploadRequest:
    return UploadRequest(
        practice_id=PRACTICE_ID,
        file_type="image",
        image_type="before",
        filename="x.jpg",
        content_type="image/jpeg",
        file_size=1,
    )


READS: Final[dict[str, Call]] = {
    "images": lambda service, caller: service.images(caller, PRACTICE_ID, PageQuery()),
    "documents": lambda service, caller: service.documents(caller, PRACTICE_ID, PageQuery()),
}
CONFIRMATIONS: Final[dict[str, Call]] = {
    "confirm_image": lambda service, caller: service.confirm_image(caller, PRACTICE_ID, image_confirmation()),
    "confirm_document": lambda service, caller: service.confirm_document(
        caller, PRACTICE_ID, document_confirmation()
    ),
}
EDITS: Final[dict[str, Call]] = {
    "presign": lambda service, caller: service.presign(caller, upload_request()),
    "upload_image": lambda service, caller: service.upload_image(
        caller, PRACTICE_ID, ImageUpload("before", "x.jpg", "image/jpeg", JPEG)
    ),
    "remove_image": lambda service, caller: service.remove_image(
        caller, PRACTICE_ID, service.image_recorder.store.files(PRACTICE_ID, PageQuery()).items[0].id
    ),
    "remove_document": lambda service, caller: service.remove_document(
        caller, PRACTICE_ID, service.document_recorder.store.files(PRACTICE_ID, PageQuery()).items[0].id
    ),
}
WRITES: Final = CONFIRMATIONS | EDITS
OWNERS_ONLY: Final = WRITES | {
    "uploads": lambda service, caller: service.uploads(caller, PRACTICE_ID, PageQuery())
}
EVERY: Final = READS | OWNERS_ONLY


def world(status: Status = "draft", *, image: bytes = JPEG) -> World:
    """A world with one recorded image and document, and one blob of each that is not recorded yet."""
    made = World("submitted")
    for container, name, data in (
        ("best-practices", IMAGE_BLOB, image),
        ("supporting-documents", DOCUMENT_BLOB, PDF),
        ("best-practices", f"practices/{PRACTICE_ID}/after_1.jpg", JPEG),
        ("supporting-documents", f"documents/{PRACTICE_ID}/other_1.pdf", PDF),
    ):
        made.blobs.blobs[container, name] = data
    made.recorder.record(f"practices/{PRACTICE_ID}/after_1.jpg", with_thumbnail=True)
    made.document_recorder.record(f"documents/{PRACTICE_ID}/other_1.pdf", with_thumbnail=False)
    made.practices.states[PRACTICE_ID] = practice(status, id=PRACTICE_ID)
    return made


def everything(here: World) -> list[object]:
    """Everything that a call could write."""
    return [
        dict(here.uploads.states),
        dict(here.blobs.blobs),
        dict(here.images.recorded),
        dict(here.documents.recorded),
        here.audit_trail.actions(),
    ]


def require_refused(here: World, call: Call, caller: Caller, error: type[PortalError]) -> None:
    before = everything(here)
    with pytest.raises(error):
        call(here.service, caller)
    assert everything(here) == before


def test_every_method_of_the_service_is_in_the_table() -> None:
    methods = {name for name, one in vars(UploadService).items() if callable(one) and name[0] != "_"}
    assert set(EVERY) == methods


@pytest.mark.parametrize("name", EVERY)
def test_a_draft_does_not_exist_for_another_plant(name: str) -> None:
    require_refused(world("draft"), EVERY[name], NEIGHBOUR, NotFound)


@pytest.mark.parametrize("name", OWNERS_ONLY)
@pytest.mark.parametrize("status", ["submitted", "approved"])
def test_another_plant_sees_a_submitted_practice_and_writes_nothing_of_it(name: str, status: Status) -> None:
    require_refused(world(status), OWNERS_ONLY[name], NEIGHBOUR, Forbidden)


@pytest.mark.parametrize("name", READS)
def test_another_plant_reads_the_files_of_a_submitted_practice(name: str) -> None:
    assert READS[name](world("submitted").service, NEIGHBOUR)


@pytest.mark.parametrize("name", WRITES)
def test_the_owner_edits_no_approved_practice(name: str) -> None:
    require_refused(world("approved"), WRITES[name], OWNER, Forbidden)


@pytest.mark.parametrize("name", CONFIRMATIONS)
def test_the_owner_confirms_again_what_was_recorded_before_the_approval(name: str) -> None:
    here = world("submitted")
    assert isinstance(CONFIRMATIONS[name](here.service, OWNER), Recorded)
    here.practices.states[PRACTICE_ID] = practice("approved", id=PRACTICE_ID)

    result = CONFIRMATIONS[name](here.service, OWNER)

    assert isinstance(result, Recorded)
    assert not result.is_new


@pytest.mark.parametrize("name", EVERY)
def test_headquarters_may_do_everything(name: str) -> None:
    for status in STATUSES:
        EVERY[name](world(status).service, HQ)


@pytest.mark.parametrize("name", EVERY)
def test_a_practice_that_does_not_exist_is_not_found(name: str) -> None:
    here = world()
    here.practices.states.clear()
    for caller in (OWNER, HQ):
        require_refused(here, EVERY[name], caller, NotFound)


# The practice is given to another plant between the first check and the write.


def given_away(here: World) -> None:
    """Let the locked practice belong to Chennai, while an unlocked read still finds it in Pune."""
    chennai = practice("submitted", id=PRACTICE_ID, plant_id=other_plant())
    here.practices.states[PRACTICE_ID] = chennai
    here.practices.outdated[PRACTICE_ID] = PracticeScope(PUNE, "submitted")


def other_plant() -> UUID:
    assert NEIGHBOUR.plant_id is not None
    return NEIGHBOUR.plant_id


@pytest.mark.parametrize("name", WRITES)
def test_the_locked_practice_decides_who_writes(name: str) -> None:
    here = world("submitted")
    given_away(here)
    images, documents, trail = dict(here.images.recorded), dict(here.documents.recorded), here.audit_trail

    before = trail.actions()
    with pytest.raises(Forbidden):
        WRITES[name](here.service, OWNER)

    assert (here.images.recorded, here.documents.recorded) == (images, documents)
    assert trail.actions() == before


def test_the_locked_practice_decides_who_names_a_recorded_document() -> None:
    here = world("submitted")
    here.document_recorder.record(DOCUMENT_BLOB, with_thumbnail=True)
    given_away(here)

    with pytest.raises(Forbidden):
        here.service.confirm_document(OWNER, PRACTICE_ID, document_confirmation())

    assert here.documents.recorded[DOCUMENT_BLOB].document_name == "plan.pdf"


def test_a_caller_without_a_right_causes_no_rejection() -> None:
    here = world("submitted", image=DAMAGED)
    given_away(here)

    require_refused(
        here,
        lambda service, caller: service.confirm_image(caller, PRACTICE_ID, image_confirmation()),
        OWNER,
        Forbidden,
    )


# Without a caller, the right of the user who requested the upload counts.

INACTIVE: Final = Uploader(OWNER, is_active=False)
REFUSED_UPLOADERS: Final[list[tuple[Uploader | None, Status, str]]] = [
    (
        Uploader(OWNER, is_active=True),
        "approved",
        "Only headquarters can edit a practice with the status approved.",
    ),
    (None, "approved", "Only headquarters can edit a practice with the status approved."),
    (Uploader(NEIGHBOUR, is_active=True), "submitted", "This practice belongs to another plant."),
    (Uploader(NEIGHBOUR, is_active=True), "draft", "There is no such practice."),
    (INACTIVE, "draft", "The account of the uploader is no longer active."),
]
ACCEPTED_UPLOADERS: Final[list[tuple[Uploader | None, Status]]] = [
    (Uploader(OWNER, is_active=True), "submitted"),
    (Uploader(HQ, is_active=True), "approved"),
    (None, "revision_required"),
]


@pytest.mark.parametrize(("uploader", "status", "reason"), REFUSED_UPLOADERS)
def test_a_file_is_rejected_if_its_uploader_may_no_longer_edit_the_practice(
    uploader: Uploader | None, status: Status, reason: str
) -> None:
    here = world(status)
    here.uploads.states[IMAGE_BLOB] = ("pending", None)
    if uploader is not None:
        here.uploads.uploaders[IMAGE_BLOB] = uploader

    assert here.recorder.record(IMAGE_BLOB, with_thumbnail=True) == Rejected(reason)

    assert here.uploads.states[IMAGE_BLOB] == ("rejected", reason)
    assert ("quarantine", f"best-practices/{IMAGE_BLOB}") in here.blobs.blobs
    assert IMAGE_BLOB not in here.images.recorded


def test_a_file_of_a_deleted_practice_is_rejected() -> None:
    with pytest.raises(RejectedFileError, match=r"The practice was deleted\."):
        require_uploader(Uploader(HQ, is_active=True), None)


@pytest.mark.parametrize(("uploader", "status"), ACCEPTED_UPLOADERS)
def test_a_file_is_recorded_while_its_uploader_may_edit_the_practice(
    uploader: Uploader | None, status: Status
) -> None:
    here = world(status)
    if uploader is not None:
        here.uploads.uploaders[IMAGE_BLOB] = uploader

    assert isinstance(here.recorder.record(IMAGE_BLOB, with_thumbnail=True), Recorded)
