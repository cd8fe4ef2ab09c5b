"""What clients do: chains of writes as people do them, and reads of what pages show."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from tests.faults.clients import Answer, Client, User
from tests.faults.ledger import Expected, Write
from tests.world import confirmation, picture, saving, upload_request

Behaviour = Callable[[asyncio.Event], Awaitable[None]]
"""What a client does until the event is set."""

PHOTOGRAPH: Final = picture(64, 48)

PAGES: Final = (
    "/best-practices",
    "/best-practices/recent",
    "/analytics/dashboard",
    "/leaderboard/current",
    "/benchmarking/list",
    "/notifications",
    "/analytics/star-ratings",
)


@dataclass(frozen=True)
class Cast:
    """Who acts in a chain: an author, headquarters, and a user of another plant, who copies."""

    author: User
    reviewer: User
    copier: User
    category_id: str


class Writer:
    """A client that takes practices of its own through the workflow, one after the other."""

    def __init__(self, name: str, client: Client, cast: Cast, *, think_seconds: float = 0.0) -> None:
        self._name = name
        self._client = client
        self._cast = cast
        self._think_seconds = think_seconds

    async def __call__(self, stop: asyncio.Event) -> None:
        """Write until the event is set; a chain that has begun is completed."""
        try:
            for number in count():
                await self._chain(f"{self._name}-{number}", number, stop)
                if stop.is_set():
                    return
        finally:
            self._client.close()

    async def _chain(self, title: str, number: int, stop: asyncio.Event) -> None:
        author, hq = self._cast.author, self._cast.reviewer
        practice = await self._create(title)
        if practice is None:
            return
        path, expected = f"/best-practices/{practice['id']}", self._client.ledger.practices[title]
        await self._edit(path, expected, practice["version"])
        await self._pause(stop)
        if number % 3 == 0:
            await self._upload(str(practice["id"]))
        await self._step(author, f"{path}/submit", expected, status="submitted")
        await self._question(str(practice["id"]), title)
        await self._pause(stop)
        await self._step(hq, f"{path}/approve", expected, status="approved")
        if number % 2 == 0:
            await self._benchmark_and_copy(str(practice["id"]), expected)
        elif number % 5 == 1:
            await self._delete(path, expected)
        await self._check(path, expected)
        await self._pause(stop)

    async def _create(self, title: str) -> dict[str, Any] | None:
        body = {
            "title": title,
            "description": f"{title} as created",
            "problem_statement": "One joint in forty leaked.",
            "solution": "Nitrogen is fed while the joint cools.",
            "category_id": self._cast.category_id,
            **saving(1.2, period="monthly"),
        }
        write, answer = await self._client.write(
            self._cast.author, f"create {title}", ("POST", "/best-practices"), body, has_key=True
        )
        expected = self._client.ledger.expect(title, write)
        expected.apply(write, description=body["description"], status="draft", is_deleted=False)
        if not self._succeeded(write, answer):
            return None
        data: dict[str, Any] = answer.data
        return data

    async def _edit(self, path: str, expected: Expected, version: int) -> None:
        for number in (1, 2):
            description = f"{expected.title} edited {number} times"
            write, answer = await self._client.write(
                self._cast.author,
                f"edit {expected.title}",
                ("PATCH", path),
                {"description": description},
                if_match=version,
            )
            expected.apply(write, description=description)
            if not self._succeeded(write, answer):
                return
            version = answer.data["version"]

    async def _step(self, user: User, path: str, expected: Expected, **facts: object) -> bool:
        write, answer = await self._client.write(user, path.rpartition("/")[2], ("POST", path))
        expected.apply(write, **facts)
        return self._succeeded(write, answer)

    async def _upload(self, practice_id: str) -> None:
        author = self._cast.author
        asked, permit = await self._client.write(
            author,
            "ask for an upload permit",
            ("POST", "/upload/presigned-url"),
            upload_request(practice_id, file_size=len(PHOTOGRAPH)),
            has_key=True,
            is_audited=False,
        )
        if not self._succeeded(asked, permit):
            return
        if not await self._client.put_blob(permit.data["upload_url"], PHOTOGRAPH):
            return
        blob_name = permit.data["blob_name"]
        write, answer = await self._client.write(
            author,
            "confirm an upload",
            ("POST", f"/best-practices/{practice_id}/images"),
            confirmation(blob_name, file_size=len(PHOTOGRAPH)),
            is_audited=False,  # the trigger may have recorded it first
        )
        self._client.ledger.expect_image(blob_name, write)
        self._succeeded(write, answer)

    async def _question(self, practice_id: str, title: str) -> None:
        write, answer = await self._client.write(
            self._cast.copier,
            "ask",
            ("POST", f"/questions/practice/{practice_id}"),
            {"question_text": f"How long does {title} take?"},
            has_key=True,
        )
        if self._succeeded(write, answer):
            path = f"/questions/{answer.data['id']}/answer"
            answered = await self._client.write(
                self._cast.author, "answer", ("PATCH", path), {"answer_text": "An hour."}, once=True
            )
            self._succeeded(*answered)

    async def _benchmark_and_copy(self, practice_id: str, expected: Expected) -> None:
        hq, copier = self._cast.reviewer, self._cast.copier
        write, answer = await self._client.write(
            hq, "benchmark", ("POST", f"/benchmarking/benchmark/{practice_id}"), has_key=True
        )
        expected.apply(write, status="approved", is_benchmarked=True)
        if not self._succeeded(write, answer):
            return
        title = f"{expected.title} copied"
        body = {"original_practice_id": practice_id, "customized_title": title}
        write, answer = await self._client.write(
            copier, f"copy {expected.title}", ("POST", "/copy/implement"), body, has_key=True
        )
        self._client.ledger.expect(title, write).apply(write, is_deleted=False)
        self._succeeded(write, answer)

    async def _delete(self, path: str, expected: Expected) -> None:
        write, answer = await self._client.write(self._cast.author, "delete", ("DELETE", path))
        expected.apply(write, is_deleted=True)
        self._succeeded(write, answer)

    async def _check(self, path: str, expected: Expected) -> None:
        """Read the practice back: an acknowledged write is visible in the very next answer."""
        answer = await self._client.get(self._cast.author, path)
        if not answer.is_success:
            return
        shown = {name: answer.data[name] for name in ("description", "status")}
        wrong = {name: value for name, value in shown.items() if value not in expected.possible[name]}
        if wrong:
            self._client.ledger.complain(f"{expected.title} was read as {wrong}")

    def _succeeded(self, write: Write, answer: Answer) -> bool:
        """Whether a write was acknowledged. A refusal without a reason is a fault of the portal."""
        if write.outcome == "refused":
            self._client.ledger.complain(f"{write.what} got {write.answer}")
        return write.is_acknowledged

    async def _pause(self, stop: asyncio.Event) -> None:
        await think(self._think_seconds, stop)


class Reader:
    """A client that reads the pages of one user."""

    def __init__(self, client: Client, user: User, *, think_seconds: float = 0.0) -> None:
        self._client = client
        self._user = user
        self._think_seconds = think_seconds

    async def __call__(self, stop: asyncio.Event) -> None:
        """Read until the event is set."""
        try:
            await think(random.uniform(0, self._think_seconds), stop)
            while not stop.is_set():
                path = random.choice(PAGES)
                answer = await self._client.call(self._user, "GET", path)
                if answer.status not in (0, 200, 503):
                    self._client.ledger.complain(f"{path} got {answer.status}")
                wait = max(self._think_seconds, 1.0 if answer.is_uncertain else 0.0)
                await think(wait * random.uniform(0.5, 1.5), stop)
        finally:
            self._client.close()


async def think(seconds: float, stop: asyncio.Event) -> None:
    """Wait as a person does between two calls, but no longer than until the event is set."""
    if seconds and not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return


async def run_all(behaviours: Sequence[Behaviour], stop: asyncio.Event) -> None:
    """Run clients at the same time until all have ended. Raises the first of their errors."""
    async with asyncio.TaskGroup() as tasks:
        for behaviour in behaviours:
            tasks.create_task(_run(behaviour, stop))


async def _run(behaviour: Behaviour, stop: asyncio.Event) -> None:
    await behaviour(stop)
