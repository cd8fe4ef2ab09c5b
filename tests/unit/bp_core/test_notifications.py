from dataclasses import replace

import pytest

from bp_core.notifications import LONGEST_MESSAGE, NotificationLedger, excerpt
from bp_core.practices.models import Status
from tests.unit.bp_core.fakes import NotedNotifier
from tests.unit.bp_core.support import PUNE, STATUSES, practice


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_a_plant_is_told_what_headquarters_decided_and_nothing_else(before: Status, after: Status) -> None:
    notifier = NotedNotifier()
    old = practice(before)
    NotificationLedger(notifier).practice_changed(old, replace(old, status=after))

    types = {"approved": ["practice_approved"], "revision_required": ["revision_requested"]}
    expected = [] if before == after else types.get(after, [])
    assert [(whom, notice.type) for whom, notice in notifier.told] == [(PUNE, one) for one in expected]


def test_nobody_is_told_of_a_practice_that_is_new_or_gone() -> None:
    notifier = NotedNotifier()
    NotificationLedger(notifier).practice_changed(None, practice("approved"))
    NotificationLedger(notifier).practice_changed(practice("approved"), None)

    assert notifier.told == []


def test_a_message_holds_the_beginning_of_a_long_text() -> None:
    assert excerpt("x" * LONGEST_MESSAGE) == "x" * LONGEST_MESSAGE
    assert excerpt("x" * (LONGEST_MESSAGE + 1)) == "x" * (LONGEST_MESSAGE - 1) + "…"
