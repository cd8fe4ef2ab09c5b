from dataclasses import replace
from itertools import permutations
from uuid import UUID

import pytest

from bp_core.notifications import (
    LONGEST_MESSAGE,
    DecisionNotifier,
    NotificationType,
    SubmissionNotifier,
    excerpt,
)
from bp_core.practices.schemas import Status
from bp_core.practices.workflow import TRANSITIONS, PracticeState
from tests.unit.bp_core.fakes import RecordedNotifier
from tests.unit.bp_core.support import HQ, PUNE, STATUSES, practice

DECISIONS: dict[Status, NotificationType] = {
    "approved": "practice_approved",
    "revision_required": "revision_requested",
    "declined": "practice_declined",
}


def notified(before: Status, after: Status) -> list[tuple[object, NotificationType]]:
    notifier = RecordedNotifier()
    old = practice(before)
    DecisionNotifier(notifier).practice_changed(old, replace(old, status=after))
    return [(recipient, notice.type) for recipient, notice in notifier.notices]


CHANGES = [pair for pair in permutations(STATUSES, 2) if pair in TRANSITIONS]


@pytest.mark.parametrize(("before", "after"), [pair for pair in CHANGES if pair[1] in DECISIONS])
def test_a_plant_is_notified_of_every_decision_of_headquarters(before: Status, after: Status) -> None:
    assert notified(before, after) == [(PUNE, DECISIONS[after])]


def test_a_plant_is_notified_when_its_declined_practice_is_reopened() -> None:
    assert notified("declined", "submitted") == [(PUNE, "practice_reopened")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *((status, status) for status in STATUSES),
        *(pair for pair in CHANGES if pair[1] not in DECISIONS and pair[0] != "declined"),
    ],
)
def test_a_plant_is_notified_of_no_other_change(before: Status, after: Status) -> None:
    assert notified(before, after) == []


def test_nobody_is_notified_of_a_new_or_deleted_practice() -> None:
    notifier = RecordedNotifier()
    DecisionNotifier(notifier).practice_changed(None, practice("approved"))
    DecisionNotifier(notifier).practice_changed(practice("approved"), None)

    assert notifier.notices == []


def test_a_long_text_is_cut_to_the_longest_message() -> None:
    assert excerpt("x" * LONGEST_MESSAGE) == "x" * LONGEST_MESSAGE
    assert excerpt("x" * (LONGEST_MESSAGE + 1)) == "x" * (LONGEST_MESSAGE - 1) + "…"


Noticed = tuple[object, NotificationType]


def announced(before: PracticeState | None, after: PracticeState | None) -> list[Noticed]:
    notifier = RecordedNotifier()
    SubmissionNotifier(notifier).practice_changed(before, after)
    return [(recipient, notice.type) for recipient, notice in notifier.notices]


def test_headquarters_is_told_of_a_new_submitted_practice_but_not_of_a_draft() -> None:
    assert announced(None, practice("submitted")) == [("hq", "practice_submitted")]
    assert announced(None, practice("draft")) == []


@pytest.mark.parametrize(("before", "after"), CHANGES)
@pytest.mark.parametrize("reviewer_id", [None, HQ.user_id], ids=["nobody", "somebody"])
def test_headquarters_or_the_reviewer_is_told_of_submissions_and_withdrawals(
    before: Status, after: Status, reviewer_id: UUID | None
) -> None:
    old = practice(before, reviewer_id=reviewer_id)
    told: dict[tuple[Status, Status], list[Noticed]] = {
        ("draft", "submitted"): [(reviewer_id or "hq", "practice_submitted")],
        ("revision_required", "submitted"): [(reviewer_id or "hq", "practice_resubmitted")],
        ("declined", "submitted"): [(reviewer_id or "hq", "practice_resubmitted")],
        ("submitted", "draft"): [(reviewer_id, "practice_withdrawn")] if reviewer_id else [],
    }

    assert announced(old, replace(old, status=after)) == told.get((before, after), [])


def test_the_reviewer_is_told_when_a_practice_that_waits_is_deleted() -> None:
    assert announced(practice("submitted", reviewer_id=HQ.user_id), None) == [
        (HQ.user_id, "practice_withdrawn")
    ]
    assert announced(practice("submitted"), None) == []
    assert announced(practice("approved", reviewer_id=HQ.user_id), None) == []


def test_an_edit_of_a_submitted_practice_is_told_nobody() -> None:
    assert announced(practice("submitted"), practice("submitted")) == []


def test_an_import_is_announced_once() -> None:
    notifier = RecordedNotifier()
    SubmissionNotifier(notifier).practices_imported(2000)
    SubmissionNotifier(notifier).practices_imported(0)

    [(recipient, notice)] = notifier.notices
    assert (recipient, notice.type, notice.practice_id) == ("hq", "practices_imported", None)
    assert notice.message == "2000 imported practices wait for a decision."
