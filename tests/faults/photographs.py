"""Clients that upload photographs and send events of them: too many, late, early, and of deleted things."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, product
from typing import Final, Literal

import httpx

from tests.faults.clients import Client, User
from tests.faults.hosts import Host
from tests.world import World, confirmation, picture, upload_request

Course = Literal["before", "late", "out of order", "deleted meanwhile", "deleted before", "practice deleted"]
"""When the events of a photograph arrive: before its confirmation, after it, before the photograph itself,
while it is deleted, after that, or after its practice was deleted."""

COURSES: Final[tuple[Course, ...]] = (
    "before", "deleted meanwhile", "late", "deleted before", "out of order", "practice deleted"
)  # fmt: skip
EVENTS: Final = (1, 2, 20)
"""How many events there are of a photograph."""

PLANS: Final = list(product(EVENTS, COURSES))

PHOTOGRAPH: Final = picture(96, 64, color="green")
CONTAINERS: Final = ("best-practices", "thumbnails")


@dataclass
class Album:
    """The photographs that must be there afterwards, and those that must not."""

    plans: Counter[tuple[int, Course]] = field(default_factory=Counter)
    """How often each plan was followed."""
    kept: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def left(self, world: World) -> list[str]:
        """What is left of deleted photographs: rows, blobs and thumbnails."""
        rows = {row[0] for row in world.query("SELECT blob_name FROM practice_images")}
        names = self.deleted | {f"{name}.webp" for name in self.deleted}
        return sorted(rows & names) + [
            name for container in CONTAINERS for name in world.blob_names(container) if name in names
        ]

    def undrawn(self, world: World) -> set[str]:
        """The photographs that are not recorded with their thumbnail."""
        drawn = world.query("SELECT blob_name FROM practice_images WHERE thumbnail_name IS NOT NULL")
        return self.kept - {row[0] for row in drawn}


class Photographer:
    """A client that uploads one photograph after the other to practices of its own."""

    def __init__(
        self, client: Client, user: User, hosts: Sequence[Host], album: Album, first: int = 0
    ) -> None:
        self._client = client
        self._user = user
        self._hosts = cycle(hosts)
        self._album = album
        self._plans = PLANS[first:] + PLANS[:first]

    async def __call__(self, stop: asyncio.Event) -> None:
        """Upload photographs until the event is set, each by the next plan."""
        try:
            for events, course in cycle(self._plans):
                await self._upload(events, course)
                if stop.is_set():
                    return
        finally:
            await self._client.close()

    async def _upload(self, events: int, course: Course) -> None:
        practice_id = await self._practice()
        write, answer = await self._client.write(
            self._user,
            "ask for an upload permit",
            ("POST", "/upload/presigned-url"),
            upload_request(practice_id, file_size=len(PHOTOGRAPH)),
            has_key=True,
            is_audited=False,
        )
        assert write.is_acknowledged, write.answer
        blob_name = str(answer.data["blob_name"])
        if course == "out of order":
            await self._send(blob_name, events)
        assert await self._client.put_blob(answer.data["upload_url"], PHOTOGRAPH)
        if course == "before":
            await self._send(blob_name, events)
        image_id = await self._confirm(practice_id, blob_name, is_kept=not course.startswith("deleted"))
        if course in ("late", "out of order"):
            await self._send(blob_name, events)
        elif course == "practice deleted":
            await self._delete(f"/best-practices/{practice_id}")
            await self._send(blob_name, events)
        elif course == "deleted meanwhile":
            sending = asyncio.create_task(self._send(blob_name, events))
            await self._delete_image(practice_id, image_id, blob_name)
            await sending
        elif course == "deleted before":
            await self._delete_image(practice_id, image_id, blob_name)
            await self._send(blob_name, events)
        self._album.plans[events, course] += 1

    async def _practice(self) -> str:
        write, answer = await self._client.write(
            self._user, "create", ("POST", "/best-practices"), {"title": "With a photograph"}, has_key=True
        )
        assert write.is_acknowledged, write.answer
        return str(answer.data["id"])

    async def _confirm(self, practice_id: str, blob_name: str, *, is_kept: bool) -> str:
        write, answer = await self._client.write(
            self._user,
            "confirm an upload",
            ("POST", f"/best-practices/{practice_id}/images"),
            confirmation(blob_name, file_size=len(PHOTOGRAPH)),
            is_audited=False,  # the trigger may have recorded it first
        )
        assert write.is_acknowledged, write.answer
        if is_kept:
            self._client.ledger.expect_image(blob_name, write)
            self._album.kept.add(blob_name)
        return str(answer.data["id"])

    async def _delete_image(self, practice_id: str, image_id: str, blob_name: str) -> None:
        await self._delete(f"/best-practices/{practice_id}/images/{image_id}")
        self._album.deleted.add(blob_name)

    async def _delete(self, path: str) -> None:
        """Delete something. A repeated call may find that the first one, whose answer was lost, was done."""
        write, answer = await self._client.write(self._user, "delete", ("DELETE", path))
        assert write.is_acknowledged or (answer.status == 404 and len(write.attempts) > 1), write.answer

    async def _send(self, blob_name: str, events: int) -> None:
        """Send events of a photograph, to both hosts in turn. A host that was killed misses them."""
        async with httpx.AsyncClient() as http:
            await asyncio.gather(*[self._send_one(http, blob_name) for _ in range(events)])

    async def _send_one(self, http: httpx.AsyncClient, blob_name: str) -> None:
        url = f"{next(self._hosts).url}/admin/functions/record_upload"
        try:
            await http.post(url, json={"input": f"best-practices/{blob_name}"}, timeout=30)
        except httpx.TransportError:
            return
