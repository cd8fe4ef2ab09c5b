from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from bp_core.practices.ports import Transition
from bp_core.practices.queries import PracticeQuery
from bp_core.practices.schemas import NewPractice, PracticeChanges, Status
from bp_core.practices.workflow import PracticeState
from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.practices.fakes import list_item
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.support import (
    CHENNAI,
    HQ,
    NEIGHBOUR,
    NOW,
    OWNER,
    PUNE,
    STATUSES,
    TODAY,
    content,
    practice,
    saving,
)

LAST_MONTH = date(2025, 6, 20)


def edit(
    written: PracticeState, caller: Caller = OWNER, **request: Any
) -> tuple[MemoryServices, PracticeState]:
    services = MemoryServices(written)
    services.practices.edit(caller, written.id, PracticeChanges.model_validate(request))
    return services, services.practice_store.states[written.id]


def test_a_created_practice_is_shown() -> None:
    services = MemoryServices()

    shown = services.practices.create(OWNER, NewPractice(title="Shorter hoses"))

    assert (shown.title, shown.status, shown.plant_id, shown.version) == ("Shorter hoses", "draft", PUNE, 1)
    assert list(services.practice_store.states) == [shown.id]


def test_an_edited_practice_is_shown_with_its_new_version() -> None:
    draft = practice("draft")
    services = MemoryServices(draft)

    shown = services.practices.edit(OWNER, draft.id, PracticeChanges(title="Better hoses"))

    assert (shown.id, shown.title, shown.version) == (draft.id, "Better hoses", draft.version + 1)


def test_a_field_that_is_not_sent_does_not_change_and_null_empties_a_field() -> None:
    draft = practice("draft", content=content(metrics="bar", investment="none"))

    _, edited = edit(draft, metrics=None, benefits=["Less air"])

    assert edited.content.metrics is None
    assert edited.content.benefits == ("Less air",)
    assert (edited.content.investment, edited.content.title) == ("none", draft.content.title)


def test_an_edit_is_saved_once_and_the_listener_gets_both_versions() -> None:
    draft = practice("draft")

    services, edited = edit(draft, title="Better hoses")

    assert services.practice_store.saved == [(edited, NOW)]
    assert services.listener.changes == [(draft, edited)]
    assert services.practice_store.transitions == []


def test_an_edit_that_changes_nothing_writes_nothing() -> None:
    draft = practice("draft")

    services, _ = edit(draft, title=draft.content.title)

    assert (services.practice_store.saved, services.listener.changes) == ([], [])


@pytest.mark.parametrize("status", ["submitted", "approved"])
def test_a_practice_that_everybody_sees_stays_complete(status: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice(status), HQ, solution=None)

    assert [fault.field for fault in refusal.value.details] == ["solution"]


@pytest.mark.parametrize("status", ["draft", "revision_required"])
def test_a_draft_or_a_practice_under_revision_may_be_incomplete(status: Any) -> None:
    _, edited = edit(practice(status), solution=None)

    assert edited.content.solution is None


def test_a_part_of_a_saving_cannot_be_removed() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("draft", content=content(**saving("3"))), savings_period=None)

    assert [fault.field for fault in refusal.value.details] == ["savings_period"]


def test_an_owner_does_not_edit_an_approved_practice() -> None:
    with pytest.raises(Forbidden):
        edit(practice("approved"), OWNER, title="Better hoses")


def test_headquarters_edits_an_approved_practice() -> None:
    _, edited = edit(practice("approved"), HQ, **saving("3"))

    assert edited.content == content(**saving("3"))


def test_a_status_in_an_edit_is_a_transition_under_the_same_rules() -> None:
    draft = practice("draft", content=content(solution=None))

    services, edited = edit(draft, status="submitted", solution="Cut to length.")

    assert (edited.status, edited.submitted_date) == ("submitted", TODAY)
    assert services.practice_store.transitions == [
        Transition(draft.id, "draft", "submitted", OWNER.user_id, None, NOW)
    ]
    assert len(services.practice_store.saved) == 1


def test_an_edit_that_submits_must_leave_the_practice_complete() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("draft"), status="submitted", solution=None)

    assert [fault.field for fault in refusal.value.details] == ["solution"]


def test_an_edit_may_send_a_practice_back_with_a_comment() -> None:
    services, edited = edit(practice("submitted"), HQ, status="revision_required", comment="Say more.")

    assert edited.status == "revision_required"
    assert [one.comment for one in services.practice_store.transitions] == ["Say more."]


def test_a_plant_user_does_not_approve_by_an_edit() -> None:
    with pytest.raises(Forbidden):
        edit(practice("submitted"), OWNER, status="approved")


def test_an_edit_with_the_status_that_the_practice_has_is_no_transition() -> None:
    services, edited = edit(practice("submitted"), status="submitted", title="Better hoses")

    assert (edited.status, edited.content.title) == ("submitted", "Better hoses")
    assert services.practice_store.transitions == []


def test_a_comment_goes_with_a_change_of_status_only() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("submitted"), HQ, comment="Nice.")

    assert [fault.field for fault in refusal.value.details] == ["comment"]


def test_headquarters_changes_the_date_of_a_submitted_practice() -> None:
    _, edited = edit(practice("approved"), HQ, submitted_date=date(2024, 1, 31))

    assert edited.submitted_date == date(2024, 1, 31)


def test_an_owner_does_not_change_the_date_of_a_submitted_practice() -> None:
    with pytest.raises(Forbidden):
        edit(practice("submitted"), OWNER, submitted_date=date(2025, 6, 21))


@pytest.mark.parametrize("dated", [LAST_MONTH, date(2024, 1, 31)])
def test_an_owner_may_send_the_date_that_the_practice_has_however_old(dated: date) -> None:
    _, edited = edit(
        practice("submitted", submitted_date=dated), OWNER, submitted_date=dated, title="Better hoses"
    )

    assert (edited.submitted_date, edited.content.title) == (dated, "Better hoses")


def test_a_draft_may_be_sent_with_the_date_that_it_does_not_have() -> None:
    _, edited = edit(practice("draft"), submitted_date=None, title="Better hoses")

    assert (edited.submitted_date, edited.content.title) == (None, "Better hoses")


def test_a_draft_has_no_date_to_change() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("draft"), submitted_date=LAST_MONTH)

    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


def test_the_date_of_a_submitted_practice_cannot_be_removed() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("submitted"), HQ, submitted_date=None)

    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


@pytest.mark.parametrize("dated", [date(2025, 7, 16), date(2099, 1, 1)])
def test_not_even_headquarters_sets_a_date_in_the_future(dated: date) -> None:
    with pytest.raises(Invalid, match="future"):
        edit(practice("submitted"), HQ, submitted_date=dated)


@pytest.mark.parametrize("caller", [OWNER, HQ])
def test_a_practice_that_was_deleted_meanwhile_is_not_found(caller: Caller) -> None:
    with pytest.raises(NotFound):
        MemoryServices().practices.edit(caller, uuid4(), PracticeChanges(title="Gone"))


@pytest.mark.parametrize("status", STATUSES)
def test_a_deleted_practice_is_gone_and_the_listener_is_called(status: Status) -> None:
    written = practice(status)
    services = MemoryServices(written)

    services.practices.delete(OWNER, written.id)

    assert (services.practice_store.states, services.listener.changes) == ({}, [(written, None)])
    assert services.points.updated == [written.id]
    with pytest.raises(NotFound):
        services.practices.delete(OWNER, written.id)


def test_a_benchmarked_practice_is_not_deleted() -> None:
    written = practice("approved", is_benchmarked=True)
    services = MemoryServices(written)

    with pytest.raises(Conflict) as refusal:
        services.practices.delete(OWNER, written.id)

    assert (refusal.value.code, services.listener.changes) == ("BENCHMARKED", [])
    assert len(services.practice_store.states) == 1


def test_a_change_that_was_made_for_another_version_is_not_made() -> None:
    written = practice("submitted", version=3)
    services = MemoryServices(written)
    changes = PracticeChanges(title="Lost")

    with pytest.raises(PreconditionFailed):
        services.practices.edit(OWNER, written.id, changes, expected={1, 2})
    with pytest.raises(PreconditionFailed):
        services.practices.delete(OWNER, written.id, expected={4})

    assert (services.practice_store.saved, services.listener.changes) == ([], [])
    services.practices.edit(OWNER, written.id, changes, expected={2, 3})
    assert services.practice_store.states[written.id].version == 4


@pytest.mark.parametrize("status", STATUSES)
def test_headquarters_gives_a_practice_to_another_plant(status: Status) -> None:
    before = practice(status)

    services, given = edit(before, HQ, plant_id=CHENNAI)

    assert (given.plant_id, given.status, given.version) == (CHENNAI, status, before.version + 1)
    assert services.listener.changes == [(before, given)]


def test_an_owner_cannot_give_a_practice_to_another_plant_but_may_name_its_own() -> None:
    with pytest.raises(Forbidden, match="Only headquarters"):
        edit(practice("draft"), OWNER, plant_id=CHENNAI)

    services, _ = edit(practice("draft"), OWNER, plant_id=PUNE)

    assert services.practice_store.saved == []


def test_a_benchmarked_practice_stays_with_its_plant() -> None:
    with pytest.raises(Conflict) as refusal:
        edit(replace(practice("approved"), is_benchmarked=True), HQ, plant_id=CHENNAI)

    assert refusal.value.code == "BENCHMARKED"


def test_a_practice_that_was_copied_or_is_a_copy_stays_with_its_plant() -> None:
    shared = practice("approved")
    services = MemoryServices(shared)
    services.practice_store.shared.add(shared.id)

    with pytest.raises(Conflict) as refusal:
        services.practices.edit(HQ, shared.id, PracticeChanges(plant_id=CHENNAI))

    assert refusal.value.code == "COPIED"


def test_a_draft_is_not_shown_to_another_plant() -> None:
    draft = practice("draft")
    services = MemoryServices(draft)

    assert services.practices.show(OWNER, draft.id).status == "draft"
    with pytest.raises(NotFound):
        services.practices.show(NEIGHBOUR, draft.id)


def test_a_practice_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        MemoryServices().practices.show(HQ, uuid4())


def test_a_page_has_thumbnails_where_there_are_any_and_says_whether_there_is_another_page() -> None:
    services = MemoryServices()
    services.practice_store.listed = [
        list_item("practices/p/after_1.jpg.webp"),
        list_item(),
        list_item(),
    ]

    page = services.practices.search(OWNER, PracticeQuery(limit=2))

    assert [item.thumbnail_url for item in page.items] == [
        "https://blobs/thumbnails/practices/p/after_1.jpg.webp?0930",
        None,
    ]
    assert (page.total, page.has_more) == (3, True)


@pytest.mark.parametrize("search", [None, "", "  "])
def test_relevance_needs_words_to_search_for(search: str | None) -> None:
    query = PracticeQuery(sort_by="relevance", search=search)

    with pytest.raises(Invalid) as refusal:
        MemoryServices().practices.search(OWNER, query)

    assert [fault.field for fault in refusal.value.details] == ["sort_by"]


def test_an_offset_is_not_combined_with_a_cursor() -> None:
    with pytest.raises(Invalid) as refusal:
        MemoryServices().practices.search(OWNER, PracticeQuery(cursor="x", offset=20))

    assert [fault.field for fault in refusal.value.details] == ["offset"]


def test_a_practice_is_not_similar_to_itself() -> None:
    own = practice("submitted")
    services = MemoryServices(own)
    other = list_item()
    services.practice_store.listed = [list_item().model_copy(update={"id": own.id}), other]

    similar = services.practices.similar_to(NEIGHBOUR, own.id, PageQuery())

    assert ([item.id for item in similar.items], similar.total) == ([other.id], 1)


def test_views_are_counted() -> None:
    submitted = practice("submitted")
    services = MemoryServices(submitted)

    shown = services.practices.show(NEIGHBOUR, submitted.id)
    services.practices.count_view(shown)
    services.practices.count_view(shown)

    assert services.practices.statistics(NEIGHBOUR, submitted.id).view_count == 2
