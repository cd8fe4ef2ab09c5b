from dataclasses import replace
from itertools import permutations

import pytest

from bp_core.notifications import LONGEST_MESSAGE, DecisionNotifier, NotificationType, excerpt
from bp_core.practices.schemas import Status
from bp_core.practices.workflow import TRANSITIONS
from tests.unit.bp_core.fakes import RecordedNotifier
from tests.unit.bp_core.support import PUNE, STATUSES, practice

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
