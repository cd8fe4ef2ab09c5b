"""Two editors of one practice: ETag and If-Match, so that nobody overwrites the changes of the other."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.world import Person, World, concurrently, error_of

CHANGED = (412, "PRECONDITION_FAILED")


def tag_of(reader: Person, practice: dict[str, Any]) -> str:
    """The ETag that a reader gets."""
    return reader.get(f"/best-practices/{practice['id']}").headers["ETag"]


def test_every_response_with_a_practice_has_the_etag_of_its_version(world: World) -> None:
    author, hq = world.plant_user(), world.headquarters()
    practice = world.practice(author)
    path = f"/best-practices/{practice['id']}"
    tags = [tag_of(author, practice)]
    changes: list[Callable[[], httpx.Response]] = [
        lambda: author.patch(path, {"title": "Another"}),
        lambda: author.post(f"{path}/submit"),
        lambda: hq.post(f"{path}/request-revision", {"comment": "Why?"}),
        lambda: author.patch(path, {"status": "submitted"}),
        lambda: hq.post(f"{path}/approve"),
    ]
    for change in changes:
        response = change()
        assert response.status_code == 200, response.text
        tags.append(response.headers["ETag"])
        assert response.headers["ETag"] == tag_of(hq, practice) == f'"{response.json()["data"]["version"]}"'
    assert len(set(tags)) == len(tags)
    created = author.post("/best-practices", {"title": "x"})
    assert created.headers["ETag"] == tag_of(author, created.json()["data"])


def test_an_edit_without_changes_keeps_the_etag(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author)
    tag = tag_of(author, practice)
    response = author.patch(f"/best-practices/{practice['id']}", {"title": practice["title"]}, if_match=tag)
    assert (response.status_code, response.headers["ETag"]) == (200, tag)


def test_the_second_of_two_editors_gets_412_and_overwrites_nothing(world: World) -> None:
    author, colleague = world.plant_user(), world.plant_user()
    practice = world.practice(author)
    path = f"/best-practices/{practice['id']}"
    read = tag_of(author, practice)
    first = author.patch(path, {"title": "First"}, if_match=read)
    before = world.snapshot()
    assert error_of(colleague.patch(path, {"solution": "Second"}, if_match=read)) == CHANGED
    assert world.snapshot() == before
    again = colleague.patch(path, {"solution": "Second"}, if_match=first.headers["ETag"])
    shown = again.json()["data"]
    assert (shown["title"], shown["solution"]) == ("First", "Second")


def test_of_two_editors_at_the_same_time_one_gets_412(world: World) -> None:
    people = [world.plant_user(), world.plant_user()]
    practice = world.practice(people[0])
    path, read = f"/best-practices/{practice['id']}", tag_of(people[0], practice)
    for turn in range(5):
        responses = concurrently(
            lambda: people[0].patch(path, {"title": f"First {turn}"}, if_match=read),  # noqa: B023 - called now
            lambda: people[1].patch(path, {"title": f"Second {turn}"}, if_match=read),  # noqa: B023 - called now
        )
        assert sorted(response.status_code for response in responses) == [200, 412]
        [winner] = [response for response in responses if response.status_code == 200]
        shown = people[0].get(path)
        assert shown.json()["data"]["title"] == winner.json()["data"]["title"]
        read = shown.headers["ETag"]


def test_a_transition_or_deletion_of_an_older_version_is_refused(world: World) -> None:
    author, hq = world.plant_user(), world.headquarters()
    practice = world.practice(author)
    path, old = f"/best-practices/{practice['id']}", '"1"'
    author.patch(path, {"title": "Newer"})
    assert error_of(author.post(f"{path}/submit", if_match=old)) == CHANGED
    author.post(f"{path}/submit")
    before = world.snapshot()
    assert error_of(hq.post(f"{path}/approve", if_match=old)) == CHANGED
    assert error_of(hq.post(f"{path}/request-revision", {"comment": "x"}, if_match=old)) == CHANGED
    assert error_of(author.delete(path, if_match=old)) == CHANGED
    assert world.snapshot() == before
    assert author.delete(path, if_match=tag_of(author, practice)).status_code == 200


def test_if_match_accepts_a_star_and_lists_but_no_weak_or_unknown_etag(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author)
    path = f"/best-practices/{practice['id']}"
    for number, form in enumerate(("*", " * ", "{}", '"999", {}', '{},"x"', 'W/"7" , {}')):
        sent = form.format(tag_of(author, practice))
        assert author.patch(path, {"title": f"{number}"}, if_match=sent).status_code == 200, sent
    tag = tag_of(author, practice)
    for refused in (f"W/{tag}", '"999"', '""', '"x"', tag.strip('"'), "", ",", f'"0{tag[1:]}'):
        assert error_of(author.patch(path, {"title": "lost"}, if_match=refused)) == CHANGED, refused
    assert tag_of(author, practice) == tag


def test_a_user_without_access_does_not_learn_the_version(world: World) -> None:
    author, other = world.plant_user(0), world.plant_user(1)
    draft, submitted = world.practice(author), world.practice(author, "submitted")
    for practice, expected in ((draft, 404), (submitted, 403)):
        for tag in ('"1"', '"2"'):
            path = f"/best-practices/{practice['id']}"
            assert other.patch(path, {"title": "x"}, if_match=tag).status_code == expected
            assert other.delete(path, if_match=tag).status_code == expected
