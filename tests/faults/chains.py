"""What clients do: chains of writes as people do them, and reads of what pages show."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from tests.faults.clients import PAUSE_SECONDS, Client, User
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
        """Write until the event is set."""
        try:
            await think(self._think_seconds * random.random(), stop)
            for number in count(random.randrange(6)):  # not everybody uploads or copies at the same time
                async for _ in self._chain(f"{self._name}-{number}", number):
                    await think(self._think_seconds * random.uniform(0.5, 1.5), stop)
                    if stop.is_set():
                        return
        finally:
            await self._client.close()

    async def _chain(self, title: str, number: int) -> AsyncIterator[None]:
        """Take one practice through the workflow; a part of the chain for each value."""
        author, hq = self._cast.author, self._cast.reviewer
        practice = await self._create(title)
        if practice is None:
            await asyncio.sleep(PAUSE_SECONDS)
            yield
            return
        practice_id, expected = str(practice["id"]), self._client.ledger.practices[title]
        path = f"/best-practices/{practice_id}"
        await self._edit(path, expected, practice["version"])
        yield
        if number % 3 == 0:
            await upload(self._client, author, practice_id)
            yield
        if not await self._step(author, path, "submit", expected, "submitted"):
            return
        await self._question(practice_id, title)
        yield
        if not await self._step(hq, path, "approve", expected, "approved"):
            return
        yield
        if number % 2 == 0:
            await self._benchmark_and_copy(practice_id, expected)
        elif number % 5 == 1:
            await self._delete(path, expected)
            return
        await self._check(path, expected)
        yield

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
        if not succeeded(self._client, write):
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
            if not succeeded(self._client, write):
                return
            version = answer.data["version"]

    async def _step(self, user: User, path: str, action: str, expected: Expected, status: str) -> bool:
        """Change the status. Returns whether it has changed: without an answer, the next read says that."""
        write, _ = await self._client.write(user, f"{action} {expected.title}", ("POST", f"{path}/{action}"))
        expected.apply(write, status=status)
        if succeeded(self._client, write):
            return True
        shown = await self._client.get(user, path)
        return shown.is_success and shown.data["status"] == status

    async def _question(self, practice_id: str, title: str) -> None:
        write, answer = await self._client.write(
            self._cast.copier,
            "ask",
            ("POST", f"/questions/practice/{practice_id}"),
            {"question_text": f"How long does {title} take?"},
            has_key=True,
        )
        if succeeded(self._client, write):
            path = f"/questions/{answer.data['id']}/answer"
            answered = await self._client.write(
                self._cast.author, "answer", ("PATCH", path), {"answer_text": "An hour."}, once=True
            )
            succeeded(self._client, answered[0])

    async def _benchmark_and_copy(self, practice_id: str, expected: Expected) -> None:
        hq, copier = self._cast.reviewer, self._cast.copier
        write, _ = await self._client.write(
            hq, "benchmark", ("POST", f"/benchmarking/benchmark/{practice_id}"), has_key=True
        )
        expected.apply(write, status="approved", is_benchmarked=True)
        if not succeeded(self._client, write):
            return
        title = f"{expected.title} copied"
        body = {"original_practice_id": practice_id, "customized_title": title}
        write, _ = await self._client.write(
            copier, f"copy {expected.title}", ("POST", "/copy/implement"), body, has_key=True
        )
        self._client.ledger.expect(title, write).apply(write, is_deleted=False)
        succeeded(self._client, write)

    async def _delete(self, path: str, expected: Expected) -> None:
        write, _ = await self._client.write(self._cast.author, "delete", ("DELETE", path))
        expected.apply(write, is_deleted=True)
        succeeded(self._client, write)

    async def _check(self, path: str, expected: Expected) -> None:
        """Read the practice back: an acknowledged write is visible in the very next answer."""
        answer = await self._client.get(self._cast.author, path)
        if not answer.is_success:
            return
        shown = {name: answer.data[name] for name in ("description", "status")}
        wrong = {name: value for name, value in shown.items() if value not in expected.possible[name]}
        if wrong:
            self._client.ledger.complain(f"{expected.title} was read as {wrong}")


def succeeded(client: Client, write: Write) -> bool:
    """Whether a write was acknowledged. A refusal without a reason is a fault of the portal."""
    if write.outcome == "refused":
        client.ledger.complain(f"{write.what} got {write.answer}")
    return write.is_acknowledged


async def upload(client: Client, author: User, practice_id: str, *, confirmed: bool = True) -> str | None:
    """Upload a photograph in its three steps, or without the last. Returns its blob name if it is stored."""
    asked, permit = await client.write(
        author,
        "ask for an upload permit",
        ("POST", "/upload/presigned-url"),
        upload_request(practice_id, file_size=len(PHOTOGRAPH)),
        has_key=True,
        is_audited=False,
    )
    if not succeeded(client, asked):
        return None
    blob_name = str(permit.data["blob_name"])
    if not await client.put_blob(permit.data["upload_url"], PHOTOGRAPH):
        return None
    client.ledger.expect_upload(blob_name)
    if confirmed:
        write, _ = await client.write(
            author,
            f"confirm {blob_name}",
            ("POST", f"/best-practices/{practice_id}/images"),
            confirmation(blob_name, file_size=len(PHOTOGRAPH)),
            is_audited=False,  # the trigger may have recorded it first
        )
        client.ledger.expect_image(blob_name, write)
        succeeded(client, write)
    return blob_name


class Uploader:
    """A client that uploads photographs to one practice, every second one without confirming it."""

    def __init__(self, client: Client, author: User, practice_id: str, *, think_seconds: float = 0.2) -> None:
        self._client = client
        self._author = author
        self._practice_id = practice_id
        self._think_seconds = think_seconds

    async def __call__(self, stop: asyncio.Event) -> None:
        """Upload until the event is set."""
        try:
            for number in count():
                if stop.is_set():
                    return
                await upload(self._client, self._author, self._practice_id, confirmed=number % 2 == 0)
                await think(self._think_seconds, stop)
        finally:
            await self._client.close()


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
            await self._client.close()


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
