from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.practices.models import ImageType, StoredImage
from bp_core.shared.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Unavailable
from bp_core.uploads import recording
from bp_core.uploads.kinds import IMAGES
from bp_core.uploads.models import ImageConfirmation
from bp_core.uploads.recording import Missing, Recorded, Rejected
from tests.unit.bp_core.practices.fakes import MemoryPractices
from tests.unit.bp_core.support import HQ, NOW, OWNER, practice
from tests.unit.bp_core.uploads.fakes import DAMAGED, JPEG, World

PRACTICE_ID = UUID("0b5bd0b3-9a5c-4f6e-8a3e-5a0a2f0c9d11")
NAME = f"practices/{PRACTICE_ID}/before_1752571800000.jpg"
BLOB = ("best-practices", NAME)
THUMBNAIL = ("thumbnails", f"{NAME}.webp")
EXPELLED = ("quarantine", f"best-practices/{NAME}")

KINDS_OF_DATA = {
    "photograph": JPEG,
    "damaged": DAMAGED,
    "another format": b"<svg>",
    "too large": JPEG + bytes(IMAGES.max_bytes),
}


def world(data: bytes | None = JPEG, *, fails_at: int | None = None) -> World:
    """A world in which somebody has put these bytes as a photograph of a practice."""
    made = World(PRACTICE_ID, fails_at=fails_at)
    if data is not None:
        made.blobs.blobs[BLOB] = data
    return made


def trigger(world: World) -> recording.Outcome[StoredImage]:
    return world.recorder.record(NAME, with_thumbnail=True, now=NOW.at)


def confirmation(
    *, blob_name: str = NAME, container: str = "best-practices", image_type: ImageType = "before"
) -> ImageConfirmation:
    return ImageConfirmation(
        image_type=image_type,
        blob_name=blob_name,
        blob_container=container,
        file_size=1,
        content_type="image/jpeg",
    )


def confirm(world: World) -> Recorded[StoredImage] | Invalid:
    return recording.confirm(world.recorder, PRACTICE_ID, confirmation(), NOW.at)


def test_the_trigger_records_a_photograph_with_its_size_and_draws_its_thumbnail() -> None:
    here = world()

    outcome = trigger(here)

    assert isinstance(outcome, Recorded)
    assert outcome.is_new
    (image,) = here.uploads.files(PRACTICE_ID)
    assert (image.blob_name, image.image_type, image.content_type) == (NAME, "before", "image/jpeg")
    assert (image.file_size, image.width, image.height) == (len(JPEG), 40, 30)
    assert image.thumbnail_name == THUMBNAIL[1]
    assert here.blobs.blobs == {BLOB: JPEG, THUMBNAIL: b"small: " + JPEG}
    assert here.uploads.states == {NAME: ("recorded", None)}
    (note,) = here.trail.notes
    assert (note.action, note.entity_id) == ("image.recorded", image.id)
    assert note.after is not None
    assert note.after["blob_name"] == NAME


def test_a_confirmation_records_a_photograph_and_leaves_the_thumbnail_to_the_trigger() -> None:
    here = world()

    outcome = confirm(here)

    assert isinstance(outcome, Recorded)
    assert outcome.is_new
    (image,) = here.uploads.files(PRACTICE_ID)
    assert image.thumbnail_name is None


def test_what_was_stored_decides_not_what_a_client_declares() -> None:
    here = world()

    confirm(here)

    (image,) = here.uploads.files(PRACTICE_ID)
    assert image.file_size == len(JPEG), "the confirmation says 1 byte"


@given(st.lists(st.sampled_from([trigger, confirm]), min_size=1, max_size=8))
def test_trigger_and_confirmations_in_any_order_and_number_make_one_image(calls: list[object]) -> None:
    here = world()

    outcomes = [trigger(here) if call is trigger else confirm(here) for call in calls]

    assert [isinstance(outcome, Recorded) and outcome.is_new for outcome in outcomes] == [
        True,
        *[False] * (len(calls) - 1),
    ]
    assert len({outcome.file.id for outcome in outcomes if isinstance(outcome, Recorded)}) == 1
    (image,) = here.uploads.files(PRACTICE_ID)
    assert (image.thumbnail_name is not None) == (THUMBNAIL in here.blobs.blobs) == (trigger in calls)
    assert here.trail.actions() == ["image.recorded"]


def reason_of(outcome: recording.Outcome[StoredImage] | Invalid) -> str:
    """Why a photograph was rejected, as the trigger or the uploader learns it."""
    match outcome:
        case Rejected(reason):
            return reason
        case Invalid(details=(fault,)):
            return fault.message
    raise AssertionError(f"not rejected: {outcome}")


@given(st.lists(st.sampled_from([trigger, confirm]), min_size=1, max_size=8))
def test_what_is_no_photograph_is_rejected_by_every_one_of_them_with_one_reason(calls: list[object]) -> None:
    here = world(DAMAGED)

    reasons = {reason_of(trigger(here) if call is trigger else confirm(here)) for call in calls}

    assert reasons == {"damaged: it cannot be decoded"}
    assert here.uploads.states == {NAME: ("rejected", "damaged: it cannot be decoded")}
    assert here.blobs.blobs == {EXPELLED: DAMAGED}
    (note,) = here.trail.notes
    assert (note.action, note.entity_id) == ("upload.rejected", PRACTICE_ID)
    assert note.after == {"blob_name": NAME, "reason": "damaged: it cannot be decoded"}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("damaged", "damaged: it cannot be decoded"),
        ("another format", "not a file of type image/jpeg"),
        ("too large", f"larger than {IMAGES.max_bytes} bytes: {len(KINDS_OF_DATA['too large'])}"),
    ],
)
def test_a_rejection_keeps_its_reason_and_expels_the_blob(kind: str, reason: str) -> None:
    here = world(KINDS_OF_DATA[kind])

    assert trigger(here) == Rejected(reason)
    assert here.uploads.states == {NAME: ("rejected", reason)}
    assert here.uploads.files(PRACTICE_ID) == []
    assert here.blobs.blobs == {EXPELLED: KINDS_OF_DATA[kind]}


def test_a_photograph_of_exactly_ten_megabytes_is_taken() -> None:
    data = JPEG.ljust(IMAGES.max_bytes, b".")

    assert isinstance(trigger(world(data)), Recorded)


def test_a_rejection_is_told_to_who_confirms_and_blames_the_blob() -> None:
    refusal = confirm(world(DAMAGED))

    assert isinstance(refusal, Invalid)
    assert refusal.code == "UPLOAD_REJECTED"
    assert refusal.details == (FieldError("blob_name", "damaged: it cannot be decoded"),)


def test_a_name_that_the_portal_did_not_make_is_expelled() -> None:
    here = world(None)
    here.blobs.blobs["best-practices", "practices/x/evil.jpg"] = JPEG

    outcome = here.recorder.record("practices/x/evil.jpg", with_thumbnail=True, now=NOW.at)

    assert isinstance(outcome, Rejected)
    assert here.blobs.blobs == {("quarantine", "best-practices/practices/x/evil.jpg"): JPEG}
    assert here.uploads.states == {}


def test_a_photograph_of_a_practice_that_does_not_exist_is_expelled() -> None:
    here = world()
    here.uploads.practices.clear()

    assert trigger(here) == Rejected("there is no such practice")
    assert here.blobs.blobs == {EXPELLED: JPEG}
    assert here.uploads.recorded == {}


def test_a_blob_that_is_not_there_is_missing_and_may_still_come() -> None:
    here = world(None)

    assert trigger(here) == Missing()
    with pytest.raises(Conflict) as refusal:
        confirm(here)
    assert refusal.value.code == "UPLOAD_MISSING"

    here.blobs.blobs[BLOB] = JPEG
    assert isinstance(confirm(here), Recorded)


FAR_BEYOND_THE_LAST_CALL = 1000


def moments_of_recording(data: bytes) -> int:
    """How many moments there are at which recording these bytes may fail."""
    here = world(data, fails_at=FAR_BEYOND_THE_LAST_CALL)
    trigger(here)
    return here.outage.moments


@pytest.mark.parametrize(
    ("kind", "fails_at"),
    [(kind, moment) for kind in KINDS_OF_DATA for moment in range(moments_of_recording(KINDS_OF_DATA[kind]))],
)
def test_a_retry_after_a_failure_at_any_moment_ends_as_if_nothing_had_failed(
    kind: str, fails_at: int
) -> None:
    untroubled, troubled = world(KINDS_OF_DATA[kind]), world(KINDS_OF_DATA[kind], fails_at=fails_at)
    trigger(untroubled)

    with pytest.raises(Unavailable):
        trigger(troubled)
    trigger(troubled)

    assert troubled.is_like(untroubled)


def test_a_blob_that_is_no_photograph_of_ours_may_not_be_confirmed() -> None:
    with pytest.raises(Invalid) as refusal:
        recording.confirm(world().recorder, PRACTICE_ID, confirmation(blob_name="../x.jpg"), NOW.at)

    assert [fault.field for fault in refusal.value.details] == ["blob_name"]


def test_a_blob_of_another_practice_may_not_be_confirmed() -> None:
    with pytest.raises(Invalid) as refusal:
        recording.confirm(world().recorder, uuid4(), confirmation(), NOW.at)

    assert [fault.field for fault in refusal.value.details] == ["blob_name"]


def test_a_blob_is_confirmed_as_what_its_name_says() -> None:
    with pytest.raises(Invalid) as refusal:
        recording.confirm(world().recorder, PRACTICE_ID, confirmation(image_type="after"), NOW.at)

    assert [fault.field for fault in refusal.value.details] == ["image_type"]


def test_a_blob_is_confirmed_in_the_container_of_photographs() -> None:
    with pytest.raises(Invalid) as refusal:
        recording.confirm(
            world().recorder, PRACTICE_ID, confirmation(container="supporting-documents"), NOW.at
        )

    assert [fault.field for fault in refusal.value.details] == ["blob_container"]


def remove(here: World, practices: MemoryPractices, image_id: UUID, *, by_hq: bool = False) -> None:
    caller = HQ if by_hq else OWNER
    recording.remove(here.recorder, practices, caller, PRACTICE_ID, image_id)


def test_a_removed_photograph_takes_its_blobs_with_it() -> None:
    here, practices = world(), MemoryPractices(practice("draft", id=PRACTICE_ID))
    trigger(here)
    (image,) = here.uploads.files(PRACTICE_ID)

    remove(here, practices, image.id)

    assert (here.uploads.recorded, here.blobs.blobs) == ({}, {})
    assert here.trail.actions() == ["image.recorded", "image.deleted"]
    with pytest.raises(NotFound):
        remove(here, practices, image.id)


def test_a_photograph_without_a_thumbnail_is_removed_as_well() -> None:
    here, practices = world(), MemoryPractices(practice("draft", id=PRACTICE_ID))
    confirm(here)
    (image,) = here.uploads.files(PRACTICE_ID)

    remove(here, practices, image.id)

    assert here.blobs.blobs == {}


def test_the_photographs_of_an_approved_practice_are_removed_by_headquarters_only() -> None:
    here, practices = world(), MemoryPractices(practice("approved", id=PRACTICE_ID))
    trigger(here)
    (image,) = here.uploads.files(PRACTICE_ID)

    with pytest.raises(Forbidden):
        remove(here, practices, image.id)
    remove(here, practices, image.id, by_hq=True)

    assert here.uploads.files(PRACTICE_ID) == []


def test_a_photograph_of_a_practice_that_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        remove(world(), MemoryPractices(), uuid4())
