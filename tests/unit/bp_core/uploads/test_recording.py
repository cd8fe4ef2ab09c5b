from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.practices.schemas import Image, ImageType, StoredImage
from bp_core.shared.errors import Conflict, FieldError, Invalid, Unavailable, UploadRejected
from bp_core.uploads.kinds import IMAGES, RejectedFileError
from bp_core.uploads.ports import Examined, StoredBlob
from bp_core.uploads.results import Missing, Recorded, RecordingResult, Rejected, Unknown
from bp_core.uploads.schemas import ImageConfirmation
from tests.unit.bp_core.support import OWNER, practice
from tests.unit.bp_core.uploads.fakes import CAMERA, DAMAGE, DAMAGED, EPOCH_MS, JPEG, PRACTICE_ID, World

NAME = f"practices/{PRACTICE_ID}/before_{EPOCH_MS}.jpg"
BLOB = ("best-practices", NAME)
THUMBNAIL = ("thumbnails", f"{NAME}.webp")
QUARANTINED = ("quarantine", f"best-practices/{NAME}")

DATA = {
    "image": JPEG,
    "damaged": DAMAGED,
    "another format": b"<svg>",
    "too large": JPEG + bytes(IMAGES.max_bytes),
}


def world(data: bytes | None = JPEG, *, fails_at: int | None = None) -> World:
    """A world in which somebody has requested an upload, and uploaded these bytes as an image."""
    made = World(fails_at=fails_at)
    if data is not None:
        made.uploads.states[NAME] = ("pending", None)
        made.blobs.blobs[BLOB] = data
    return made


def trigger(world: World) -> RecordingResult[StoredImage]:
    return world.recorder.record(NAME, with_thumbnail=True)


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


def confirm(world: World) -> Recorded[Image] | UploadRejected:
    return world.service.confirm_image(OWNER, PRACTICE_ID, confirmation())


def test_the_trigger_records_an_image_with_its_size_and_its_thumbnail() -> None:
    here = world()

    result = trigger(here)

    assert isinstance(result, Recorded)
    assert result.is_new
    (image,) = here.images.recorded.values()
    assert (image.blob_name, image.image_type, image.content_type) == (NAME, "before", "image/jpeg")
    assert (image.file_size, image.width, image.height) == (len(JPEG), 40, 30)
    assert image.thumbnail_name == THUMBNAIL[1]
    assert here.blobs.blobs == {BLOB: JPEG, THUMBNAIL: b"small: " + JPEG}
    assert here.uploads.states == {NAME: ("recorded", None)}


def test_the_trigger_notes_a_new_image_in_the_audit_trail() -> None:
    here = world()

    trigger(here)

    (image,) = here.images.recorded.values()
    (note,) = here.audit_trail.notes
    assert (note.action, note.entity_id) == ("image.recorded", image.id)
    assert note.after is not None
    assert note.after["blob_name"] == NAME


def test_a_confirmation_records_an_image_without_its_thumbnail() -> None:
    here = world()

    result = confirm(here)

    assert isinstance(result, Recorded)
    assert result.is_new
    (image,) = here.images.recorded.values()
    assert image.thumbnail_name is None


def test_the_stored_file_counts_not_what_the_client_declares() -> None:
    here = world()

    confirm(here)

    (image,) = here.images.recorded.values()
    assert image.file_size == len(JPEG), "the confirmation says 1 byte"


@given(st.lists(st.sampled_from([trigger, confirm]), min_size=1, max_size=8))
def test_trigger_and_confirmations_in_any_order_and_number_make_one_image(calls: list[object]) -> None:
    here = world()

    results = [trigger(here) if call is trigger else confirm(here) for call in calls]

    assert [isinstance(result, Recorded) and result.is_new for result in results] == [
        True,
        *[False] * (len(calls) - 1),
    ]
    assert len({result.file.id for result in results if isinstance(result, Recorded)}) == 1
    (image,) = here.images.recorded.values()
    assert (image.thumbnail_name is not None) == (THUMBNAIL in here.blobs.blobs) == (trigger in calls)
    assert here.audit_trail.actions() == ["image.recorded"]


def reason_of(result: RecordingResult[StoredImage] | Recorded[Image] | UploadRejected) -> str:
    """Return why an image was rejected, from the result of the trigger or of a confirmation."""
    match result:
        case Rejected(reason):
            return reason
        case Invalid(details=(fault,)):
            return fault.message
    raise AssertionError(f"not rejected: {result}")


@given(st.lists(st.sampled_from([trigger, confirm]), min_size=1, max_size=8))
def test_a_damaged_image_is_rejected_by_each_of_them_with_the_same_reason(calls: list[object]) -> None:
    here = world(DAMAGED)

    reasons = {reason_of(trigger(here) if call is trigger else confirm(here)) for call in calls}

    assert reasons == {DAMAGE}
    assert here.uploads.states == {NAME: ("rejected", DAMAGE)}
    assert here.blobs.blobs == {QUARANTINED: DAMAGED}
    (note,) = here.audit_trail.notes
    assert (note.action, note.entity_id) == ("upload.rejected", PRACTICE_ID)
    assert note.after == {"blob_name": NAME, "reason": DAMAGE}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("damaged", DAMAGE),
        ("another format", "The file is not of type image/jpeg."),
        (
            "too large",
            f"The file has {len(DATA['too large'])} bytes; at most {IMAGES.max_bytes} bytes are accepted.",
        ),
    ],
)
def test_a_rejection_stores_its_reason_and_moves_the_blob_to_quarantine(kind: str, reason: str) -> None:
    here = world(DATA[kind])

    assert trigger(here) == Rejected(reason)
    assert here.uploads.states == {NAME: ("rejected", reason)}
    assert here.images.recorded == {}
    assert here.blobs.blobs == {QUARANTINED: DATA[kind]}


def test_an_image_of_exactly_ten_megabytes_is_accepted() -> None:
    data = JPEG.ljust(IMAGES.max_bytes, b".")

    assert isinstance(trigger(world(data)), Recorded)


def test_a_confirmation_of_a_rejected_file_names_the_field_and_the_reason() -> None:
    error = confirm(world(DAMAGED))

    assert isinstance(error, Invalid)
    assert error.code == "UPLOAD_REJECTED"
    assert error.details == (FieldError("blob_name", DAMAGE),)


def test_a_blob_with_a_foreign_name_is_moved_to_quarantine() -> None:
    here = world(None)
    here.blobs.blobs["best-practices", "practices/x/evil.jpg"] = JPEG

    result = here.recorder.record("practices/x/evil.jpg", with_thumbnail=True)

    assert isinstance(result, Rejected)
    assert here.blobs.blobs == {("quarantine", "best-practices/practices/x/evil.jpg"): JPEG}
    assert here.uploads.states == {}


def unrequested(data: bytes) -> World:
    """A world with an image that nobody requested in this database."""
    made = world(data)
    made.uploads.states.clear()
    return made


def test_an_image_of_an_unknown_practice_stays_where_it_is() -> None:
    here = unrequested(JPEG)
    here.practices.states.clear()

    assert trigger(here) == Unknown("The practice does not exist.")
    assert here.blobs.blobs == {BLOB: JPEG}
    assert (here.images.recorded, here.uploads.states) == ({}, {})


def test_an_image_that_nobody_requested_is_recorded_or_stays_where_it_is() -> None:
    good, bad = unrequested(JPEG), unrequested(DAMAGED)

    assert isinstance(trigger(good), Recorded)
    assert trigger(bad) == bad.recorder.give_up(NAME, DAMAGE) == Unknown(DAMAGE)
    assert bad.blobs.blobs == {BLOB: DAMAGED}
    assert (bad.images.recorded, bad.uploads.states, bad.audit_trail.actions()) == ({}, {}, [])


def test_an_upload_that_is_given_up_is_rejected_without_another_try() -> None:
    here = world()

    assert here.recorder.give_up(NAME, "It fails every night.") == Rejected("It fails every night.")
    assert here.uploads.states == {NAME: ("rejected", "It fails every night.")}
    assert here.blobs.blobs == {QUARANTINED: JPEG}
    assert [notice.type for _, notice in here.notifier.notices] == ["upload_rejected"]


def test_a_recorded_file_is_never_given_up() -> None:
    here = world()
    confirm(here)

    assert isinstance(here.recorder.give_up(NAME, "It fails every night."), Recorded)
    assert here.blobs.blobs == {BLOB: JPEG}


def test_a_blob_that_does_not_exist_is_missing_and_can_arrive_later() -> None:
    here = world(None)

    assert trigger(here) == Missing()
    with pytest.raises(Conflict) as error:
        confirm(here)
    assert error.value.code == "UPLOAD_MISSING"

    here.blobs.blobs[BLOB] = JPEG
    assert isinstance(confirm(here), Recorded)


FAR_BEYOND_THE_LAST_CALL = 1000


def failure_points(data: bytes) -> int:
    """Count the points at which recording these bytes can fail."""
    here = world(data, fails_at=FAR_BEYOND_THE_LAST_CALL)
    trigger(here)
    return here.outage.points


@pytest.mark.parametrize(
    ("kind", "fails_at"),
    [(kind, point) for kind in DATA for point in range(failure_points(DATA[kind]))],
)
def test_a_retry_after_a_failure_at_any_point_has_the_same_result_as_no_failure(
    kind: str, fails_at: int
) -> None:
    smooth, failing = world(DATA[kind]), world(DATA[kind], fails_at=fails_at)
    trigger(smooth)

    with pytest.raises(Unavailable):
        trigger(failing)
    trigger(failing)

    assert failing.is_like(smooth)


def test_an_image_loses_its_camera_data_before_it_is_recorded() -> None:
    here = world(JPEG + CAMERA)

    trigger(here)

    (image,) = here.images.recorded.values()
    assert image.file_size == len(JPEG)
    assert here.blobs.blobs == {BLOB: JPEG, THUMBNAIL: b"small: " + JPEG}


@pytest.mark.parametrize("fails_at", range(failure_points(JPEG + CAMERA)))
def test_an_interrupted_replacement_of_a_blob_is_completed_by_the_next_call(fails_at: int) -> None:
    smooth, failing = world(JPEG + CAMERA), world(JPEG + CAMERA, fails_at=fails_at)
    trigger(smooth)

    with pytest.raises(Unavailable):
        trigger(failing)
    trigger(failing)

    assert failing.is_like(smooth)
    assert failing.images.recorded[NAME].file_size == len(JPEG)


def test_a_blob_that_changes_while_it_is_examined_is_examined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(JPEG + CAMERA)
    replace = here.blobs.replace

    def overtaken(*arguments: Any) -> bool:
        monkeypatch.undo()
        assert isinstance(confirm(here), Recorded)
        return replace(*arguments)

    monkeypatch.setattr(here.blobs, "replace", overtaken)
    result = trigger(here)

    assert isinstance(result, Recorded)
    assert not result.is_new
    (image,) = here.images.recorded.values()
    assert (image.file_size, here.blobs.blobs[BLOB]) == (len(JPEG), JPEG)


def test_a_late_verdict_does_not_take_a_recorded_file_away(monkeypatch: pytest.MonkeyPatch) -> None:
    here = world()

    def too_late(*_: object, **__: object) -> Examined:
        monkeypatch.undo()
        assert isinstance(trigger(here), Recorded)
        raise RejectedFileError("It took too long.")

    monkeypatch.setattr(here.recorder.examiner, "examine", too_late)
    result = trigger(here)

    assert isinstance(result, Recorded)
    assert here.uploads.states == {NAME: ("recorded", None)}
    assert BLOB in here.blobs.blobs


def test_a_file_that_was_rejected_while_it_was_examined_stays_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = world()
    read = here.blobs.read

    def overtaken(container: str, blob_name: str, at_most: int) -> StoredBlob | None:
        stored = read(container, blob_name, at_most)
        here.uploads.states[NAME] = ("rejected", DAMAGE)
        return stored

    monkeypatch.setattr(here.blobs, "read", overtaken)

    assert trigger(here) == Rejected(DAMAGE)
    assert here.images.recorded == {}
    assert here.blobs.blobs == {QUARANTINED: JPEG}


def test_an_image_that_was_recorded_and_can_no_longer_be_decoded_stays_without_a_thumbnail() -> None:
    here = world()
    confirm(here)
    here.blobs.blobs[BLOB] = DAMAGED

    assert isinstance(trigger(here), Recorded)
    assert here.blobs.blobs == {BLOB: DAMAGED}


def test_a_blob_with_a_foreign_name_cannot_be_confirmed() -> None:
    with pytest.raises(Invalid) as error:
        world().service.confirm_image(OWNER, PRACTICE_ID, confirmation(blob_name="../x.jpg"))

    assert [fault.field for fault in error.value.details] == ["blob_name"]


def test_a_blob_of_another_practice_cannot_be_confirmed() -> None:
    here, other = world(), practice("draft")
    here.practices.states[other.id] = other

    with pytest.raises(Invalid) as error:
        here.service.confirm_image(OWNER, other.id, confirmation())

    assert [fault.field for fault in error.value.details] == ["blob_name"]


def test_a_blob_is_confirmed_with_the_image_type_of_its_name() -> None:
    with pytest.raises(Invalid) as error:
        world().service.confirm_image(OWNER, PRACTICE_ID, confirmation(image_type="after"))

    assert [fault.field for fault in error.value.details] == ["image_type"]


def test_a_blob_is_confirmed_in_the_container_of_images() -> None:
    with pytest.raises(Invalid) as error:
        world().service.confirm_image(OWNER, PRACTICE_ID, confirmation(container="supporting-documents"))

    assert [fault.field for fault in error.value.details] == ["blob_container"]
