"""Writing practices, and taking them from state to state (rules 2)."""

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from bp_core.practices import life
from bp_core.practices.life import Content, PracticeState
from bp_core.practices.models import NewPractice, PracticeChanges, Status
from bp_core.practices.store import Ledger, Points, PracticeStore, Transition
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Moment
from bp_core.shared.errors import Forbidden, Invalid, NotFound
from bp_core.shared.versions import ExpectedVersions, require_expected

CONTENT_FIELDS = frozenset(Content.__dataclass_fields__)


def create(store: PracticeStore, ledger: Ledger, caller: Caller, new: NewPractice, *, moment: Moment) -> UUID:
    """Write a practice for the caller's plant, or for the plant that headquarters names.

    Raises Invalid where something is missing or wrong, Forbidden for another plant.
    """
    content, plant_id, submitted_date = require_writable(caller, new, moment.day)
    practice_id = store.add(
        content,
        plant_id=plant_id,
        author_id=caller.user_id,
        status=new.status,
        submitted_date=submitted_date,
        now=moment.at,
    )
    store.add_transition(Transition(practice_id, None, new.status, caller.user_id, None, moment.at))
    written = PracticeState(practice_id, plant_id, new.status, submitted_date, False, content)
    ledger.practice_changed(None, written)
    return practice_id


def require_writable(caller: Caller, new: NewPractice, today: date) -> tuple[Content, UUID, date | None]:
    """Check that a caller may write a practice; tell what it says, whose it is, and its day if submitted.

    Raises Invalid where something is missing or wrong, Forbidden for another plant.
    """
    content = Content(**_content_of(new, CONTENT_FIELDS))
    life.require_whole_saving(content)
    submitted_date = None
    if new.status == "submitted":
        life.require_complete(content)
        submitted_date = life.submission_date(caller, new.submitted_date, today)
    elif new.submitted_date is not None:
        raise Invalid.of("submitted_date", "A draft has no date; it is dated when it is submitted.")
    return content, _plant_of(caller, new.plant_id), submitted_date


def edit(
    store: PracticeStore,
    ledger: Ledger,
    caller: Caller,
    practice_id: UUID,
    changes: PracticeChanges,
    *,
    expected: ExpectedVersions = None,
    moment: Moment,
) -> None:
    """Change what is sent of a practice that is the caller's to write, its state as well if that is sent.

    Raises NotFound, PreconditionFailed, Forbidden, Invalid, and Conflict as `move` does (and COPIED).
    """
    practice = held(store, practice_id, expected)
    sent = changes.model_fields_set
    life.require_editable(caller, practice.status)
    edited = replace(
        practice, content=replace(practice.content, **_content_of(changes, sent & CONTENT_FIELDS))
    )
    life.require_whole_saving(edited.content)
    if edited.status in life.SEEN_BY_ALL:
        life.require_complete(edited.content)
    if "plant_id" in sent and changes.plant_id != practice.plant_id:
        edited = _given_to(store, caller, edited, changes.plant_id)
    if changes.status is not None and changes.status != practice.status:
        edited = _moved(
            store, caller, edited, changes.status, changes.comment, changes.submitted_date, moment
        )
    elif changes.comment is not None:
        raise Invalid.of("comment", "A comment goes with a change of status only.")
    elif "submitted_date" in sent:
        edited = _redated(caller, edited, changes.submitted_date, moment.day)
    _keep(store, ledger, practice, edited, moment.at)


def move(
    store: PracticeStore,
    ledger: Ledger,
    caller: Caller,
    practice_id: UUID,
    to_status: Status,
    *,
    comment: str | None = None,
    submitted_date: date | None = None,
    expected: ExpectedVersions = None,
    moment: Moment,
) -> None:
    """Take a practice that is the caller's to write to another state.

    Raises NotFound, PreconditionFailed, Conflict (INVALID_TRANSITION, BENCHMARKED), Forbidden, Invalid.
    """
    practice = held(store, practice_id, expected)
    moved = _moved(store, caller, practice, to_status, comment, submitted_date, moment)
    _keep(store, ledger, practice, moved, moment.at)


def delete(
    store: PracticeStore,
    ledger: Ledger,
    points: Points,
    practice_id: UUID,
    *,
    expected: ExpectedVersions = None,
    moment: Moment,
) -> None:
    """Delete a practice that is the caller's to write, in whatever state it is: it is found no more.

    Raises NotFound, PreconditionFailed, Conflict (BENCHMARKED).
    """
    with points.settled_without(practice_id):
        practice = held(store, practice_id, expected)
        life.require_unbenchmarked(practice)
        store.mark_deleted(practice_id, moment.at)
        ledger.practice_changed(practice, None)


def held(store: PracticeStore, practice_id: UUID, expected: ExpectedVersions = None) -> PracticeState:
    """Find a practice and hold it until the transaction ends.

    Raises NotFound, PreconditionFailed.
    """
    practice = store.state_for_update(practice_id)
    if practice is None:
        raise NotFound("There is no such practice.")
    require_expected(practice.version, expected)
    return practice


def _content_of(sent: NewPractice | PracticeChanges, fields: Collection[str]) -> dict[str, Any]:
    return {field: tuple(sent.benefits) if field == "benefits" else getattr(sent, field) for field in fields}


def _plant_of(caller: Caller, requested: UUID | None) -> UUID:
    if caller.plant_id is None:
        if requested is None:
            raise Invalid.of("plant_id", "Headquarters names the plant that a practice belongs to.")
        return requested
    if requested not in (None, caller.plant_id):
        raise Forbidden("A plant user writes practices of the own plant only.")
    return caller.plant_id


def _given_to(store: PracticeStore, caller: Caller, practice: PracticeState, plant_id: UUID) -> PracticeState:
    if not caller.is_hq:
        raise Forbidden("Only headquarters gives a practice to another plant.")
    life.require_unbenchmarked(practice)
    life.require_unshared(store.is_shared(practice.id))
    return replace(practice, plant_id=plant_id)


def _moved(
    store: PracticeStore,
    caller: Caller,
    practice: PracticeState,
    to_status: Status,
    comment: str | None,
    requested_date: date | None,
    moment: Moment,
) -> PracticeState:
    life.require_step(caller, practice, to_status, comment)
    if to_status == "submitted":
        life.require_complete(practice.content)
    if practice.submitted_date is None:
        practice = replace(practice, submitted_date=life.submission_date(caller, requested_date, moment.day))
    elif requested_date is not None:
        practice = _redated(caller, practice, requested_date, moment.day)
    taken = Transition(practice.id, practice.status, to_status, caller.user_id, comment, moment.at)
    store.add_transition(taken)
    return replace(practice, status=to_status)


def _redated(caller: Caller, practice: PracticeState, requested: date | None, today: date) -> PracticeState:
    if requested == practice.submitted_date:
        return practice
    if practice.submitted_date is None or requested is None:
        raise Invalid.of("submitted_date", "A practice is dated from its first submission on.")
    if not caller.is_hq:
        raise Forbidden("Only headquarters moves the date of a submitted practice.")
    return replace(practice, submitted_date=life.submission_date(caller, requested, today))


def _keep(
    store: PracticeStore, ledger: Ledger, before: PracticeState, after: PracticeState, now: datetime
) -> None:
    if asdict(before) != asdict(after):
        after = replace(after, version=before.version + 1)
        store.save(after, now)
        ledger.practice_changed(before, after)
