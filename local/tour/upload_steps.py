"""Steps of the tour: uploads to blob storage with pre-signed URLs, thumbnails, rejected files (rules 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bp_core.uploads.kinds import IMAGES, parse_blob_name
from local.tour import pictures
from local.tour.client import ApiClient, wait_for
from local.tour.context import Tour
from local.tour.practice_steps import TITLE
from local.tour.report import check_equal

IMAGE_TYPES = ("before", "after")
MAX_THUMBNAIL_SIDE = 480


@dataclass(frozen=True)
class Permit:
    """An upload permit, and the file to upload with it."""

    image_type: str
    content: bytes
    upload_url: str
    blob_name: str
    container: str

    def confirmation(self) -> dict[str, object]:
        """The request that confirms the upload."""
        return {
            "image_type": self.image_type,
            "blob_name": self.blob_name,
            "blob_container": self.container,
            "file_size": len(self.content),
            "content_type": "image/jpeg",
        }


def upload_photographs(tour: Tour, plant: ApiClient, practice: str) -> tuple[Permit, Permit]:
    """A pre-signed URL is valid for one blob, once (rules 8)."""
    with tour.report.step(
        "Upload two photographs to blob storage. Each pre-signed URL is for one file and works once."
    ) as step:
        before, after = (
            _request_permit(plant, practice, image_type, pictures.draw_photograph(image_type, TITLE))
            for image_type in IMAGE_TYPES
        )
        for permit in (before, after):
            check_equal("status of an upload", _upload(tour, permit), 201)
        second = _upload(tour, before)
        check_equal("a second upload is refused", second in {403, 409}, True)
        sizes = " and ".join(f"{len(permit.content) // 1024} KB" for permit in (before, after))
        step.summary = f"{sizes}; a second upload to the same URL was refused"
    return before, after


def confirm_upload(tour: Tour, plant: ApiClient, practice: str, permit: Permit) -> None:
    """A photograph is recorded once, however often it is confirmed (rules 8)."""
    with tour.report.step(
        "Confirm the first upload, twice. Leave the second upload to the blob trigger."
    ) as step:
        # 200 if the trigger has already recorded it.
        first = plant.post(f"{practice}/images", permit.confirmation(), expected={200, 201})
        second = plant.post(f"{practice}/images", permit.confirmation(), expected={200})
        check_equal("image of the second confirmation", second["id"], first["id"])
        check_equal("size of the photograph", (first["width"], first["height"]), pictures.SIZE)
        step.summary = f"recorded once, {first['width']} x {first['height']} pixels"


def wait_for_thumbnails(
    tour: Tour, plant: ApiClient, practice: str, permits: Sequence[Permit]
) -> list[dict[str, Any]]:
    """The blob trigger records the uploads and creates thumbnails. Returns the images."""
    with tour.report.step(
        "Wait for the blob trigger. It records the second photograph and creates the thumbnails."
    ) as step:

        def with_thumbnails() -> list[dict[str, Any]] | None:
            images: list[dict[str, Any]] = plant.get(f"{practice}/images")
            ready = [image for image in images if image["thumbnail_url"]]
            return images if len(ready) >= len(permits) else None

        images = wait_for("thumbnails of both photographs", with_thumbnails)
        names = sorted(image["blob_name"] for image in images)
        check_equal("recorded photographs", names, sorted(permit.blob_name for permit in permits))
        states = {upload["blob_name"]: upload["state"] for upload in plant.get(f"{practice}/uploads")}
        check_equal("states of the uploads", states, {permit.blob_name: "recorded" for permit in permits})
        step.summary = "both recorded, each once"
    return images


def check_thumbnails(tour: Tour, images: Sequence[Mapping[str, Any]]) -> None:
    """A thumbnail is a WebP, at most 480 pixels on each side, of the right photograph."""
    with tour.report.step("Check the thumbnails.") as step:
        summaries = []
        for image in images:
            image_format, size, image_type = pictures.inspect_picture(
                tour.portal.get_blob(image["thumbnail_url"])
            )
            check_equal("format of a thumbnail", image_format, "WEBP")
            check_equal("longest side of a thumbnail is at most 480", max(size) <= MAX_THUMBNAIL_SIDE, True)
            check_equal("photograph of a thumbnail", image_type, image["image_type"])
            colour = "red" if image_type == "before" else "green"
            summaries.append(f"{image_type} is {colour}, {size[0]} x {size[1]} {image_format}")
        step.summary = "; ".join(summaries)


def upload_invalid_file(tour: Tour, plant: ApiClient, practice: str) -> None:
    """A file that is not an image is moved to quarantine, with a reason (rules 8)."""
    with tour.report.step(
        "Upload a CSV file with the name before.jpg. The portal checks the content, not the name."
    ) as step:
        permit = _request_permit(plant, practice, "before", b"month;saving\r\nJune;1.00\r\n")
        check_equal("status of the upload", _upload(tour, permit), 201)
        plant.expect_error(
            "POST", f"{practice}/images", permit.confirmation(), status=422, code="UPLOAD_REJECTED"
        )
        uploads = {upload["blob_name"]: upload for upload in plant.get(f"{practice}/uploads")}
        rejected = uploads[permit.blob_name]
        check_equal("state of that upload", rejected["state"], "rejected")
        check_equal("number of photographs", len(plant.get(f"{practice}/images")), len(IMAGE_TYPES))
        step.summary = f"rejected and moved to quarantine: {rejected['reason']}"


def _request_permit(plant: ApiClient, practice: str, image_type: str, content: bytes) -> Permit:
    """Request a pre-signed URL to upload a JPEG."""
    body = {
        "practice_id": practice.rpartition("/")[2],
        "file_type": "image",
        "image_type": image_type,
        "filename": f"{image_type}.jpg",
        "content_type": "image/jpeg",
        "file_size": len(content),
    }
    permit = plant.post("/upload/presigned-url", body)
    name = parse_blob_name(IMAGES, permit["blob_name"])
    check_equal(
        "practice and type in the blob name",
        (str(name.practice_id), name.stem),
        (body["practice_id"], image_type),
    )
    return Permit(image_type, content, permit["upload_url"], permit["blob_name"], permit["container"])


def _upload(tour: Tour, permit: Permit) -> int:
    """Upload the file. Returns the status of blob storage."""
    return tour.portal.put_blob(permit.upload_url, permit.content, "image/jpeg")
