"""Images that are uploaded in three steps: a request, the blob, and its confirmation."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from tests.world import Person, World, confirmation, picture

CONTENT_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


def put(
    world: World,
    person: Person,
    practice: Mapping[str, Any],
    data: bytes | None = None,
    extension: str = "jpg",
) -> str:
    """Request an upload, and write the blob directly to the storage; return its name.

    Without data it is a good picture.
    """
    changes = {"filename": f"x.{extension}", "content_type": CONTENT_TYPES[extension]}
    blob_name = str(world.presign_image(person, practice["id"], **changes)["blob_name"])
    world.put_blob(blob_name, picture() if data is None else data)
    return blob_name


def confirm(person: Person, practice: Mapping[str, Any], blob_name: str) -> httpx.Response:
    """Confirm the upload of an image."""
    return person.post(f"/best-practices/{practice['id']}/images", confirmation(blob_name))


def stored(world: World, blob_name: str, container: str = "best-practices") -> bytes:
    """Read a blob from the storage."""
    with world.container(container) as client:
        return client.download_blob(blob_name).readall()
