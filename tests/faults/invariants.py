"""What must hold afterwards: the database, the storage and the figures against the ledger."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bp_core.practices.views import THUMBNAILS
from bp_core.uploads.kinds import IMAGES
from functions.unit_of_work import UnitOfWork
from tests.faults.ledger import Expected, Ledger
from tests.figures import Figures
from tests.world import World

HALF_WRITTEN: Final = {
    "a practice without the record of its creation": """
        SELECT p.title FROM best_practices p WHERE NOT EXISTS (
            SELECT FROM audit_log a WHERE a.entity_id = p.id AND a.action = 'practice.created')""",
    "a practice whose last transition is to another status": """
        SELECT p.title FROM best_practices p WHERE p.status IS DISTINCT FROM (
            SELECT t.to_status FROM practice_transitions t WHERE t.practice_id = p.id
            ORDER BY t.id DESC LIMIT 1)""",
    "a creation in the audit trail without a practice": """
        SELECT a.entity_id FROM audit_log a WHERE a.action = 'practice.created' AND NOT EXISTS (
            SELECT FROM best_practices p WHERE p.id = a.entity_id)""",
    "a copy without its practice or its record": """
        SELECT c.id FROM copied_practices c WHERE NOT EXISTS (
            SELECT FROM audit_log a WHERE a.entity_id = c.id AND a.action = 'copy.made')""",
    "a benchmark without its record": """
        SELECT b.practice_id FROM benchmarked_practices b WHERE NOT EXISTS (
            SELECT FROM audit_log a
            WHERE a.entity_id = b.practice_id AND a.action = 'practice.benchmarked')""",
    "a question without its record": """
        SELECT q.question_text FROM practice_questions q WHERE NOT EXISTS (
            SELECT FROM audit_log a WHERE a.entity_id = q.id AND a.action = 'question.asked')""",
    "an answer without its record": """
        SELECT q.question_text FROM practice_questions q WHERE q.answer_text IS NOT NULL AND NOT EXISTS (
            SELECT FROM audit_log a WHERE a.entity_id = q.id AND a.action <> 'question.asked')""",
}
"""What a write that is not done entirely, or entirely not, would leave behind."""

PRACTICES: Final = """
    SELECT p.title, p.description, p.status, p.is_deleted, b.id IS NOT NULL AS is_benchmarked
    FROM best_practices p LEFT JOIN benchmarked_practices b ON b.practice_id = p.id
"""
FACTS: Final = ("description", "status", "is_deleted", "is_benchmarked")


@dataclass
class Findings:
    """What does not hold."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged writes that are not there, or not with their content."""
    doubled: list[str] = field(default_factory=list)
    inconsistent: list[str] = field(default_factory=list)
    """Half-written changes, wrong figures, rows without blobs, blobs without rows."""


def find(world: World, ledger: Ledger) -> Findings:
    """Compare everything with the ledger."""
    found = Findings()
    _compare_audit_trail(world, ledger, found)
    _compare_practices(world, ledger, found)
    _compare_uploads(world, ledger, found)
    for what, query in HALF_WRITTEN.items():
        found.inconsistent += [f"{what}: {name}" for (name,) in world.query(query)]
    found.inconsistent += [*_wrong_figures(world), *_wrong_sums(world), *_wrong_blobs(world, ledger)]
    return found


def _compare_audit_trail(world: World, ledger: Ledger, found: Findings) -> None:
    """Each acknowledged write was committed by one of its attempts, and no write by two."""
    committed = {row[0] for row in world.query("SELECT DISTINCT request_id FROM audit_log")}
    for write in ledger.writes:
        done = sum(attempt in committed for attempt in write.attempts)
        if done > 1:
            found.doubled.append(f"{write.what}: {done} of {len(write.attempts)} attempts were done")
        if write.is_audited and write.is_acknowledged and not done:
            found.lost.append(f"{write.what}: {write.answer}, but it was not done")


def _compare_practices(world: World, ledger: Ledger, found: Findings) -> None:
    """Each practice is there once, and with a content that its client expects."""
    stored: dict[str, list[tuple[Any, ...]]] = {}
    for title, *facts in world.query(PRACTICES):
        stored.setdefault(title, []).append(tuple(facts))
    for title, expected in ledger.practices.items():
        rows = stored.get(title, [])
        if len(rows) > 1:
            found.doubled.append(f"{title} is there {len(rows)} times")
        if not rows and expected.create.is_acknowledged:
            found.lost.append(f"{title} is not there")
        for row in rows:
            found.lost += _other_facts(expected, dict(zip(FACTS, row, strict=True)))


def _other_facts(expected: Expected, stored: dict[str, Any]) -> Iterator[str]:
    for name, possible in expected.possible.items():
        if stored[name] not in possible:
            yield f"{expected.title}: {name} is {stored[name]!r}, expected {possible}"


def _compare_uploads(world: World, ledger: Ledger, found: Findings) -> None:
    """Each upload is one photograph of its practice, whether it was confirmed or not."""
    recorded = Counter(row[0] for row in world.query("SELECT blob_name FROM practice_images"))
    for blob_name in ledger.uploaded:
        if recorded[blob_name] > 1:
            found.doubled.append(f"{blob_name} was recorded {recorded[blob_name]} times")
        if not recorded[blob_name]:
            confirmed = ledger.confirmed.get(blob_name)
            was = "confirmed" if confirmed and confirmed.is_acknowledged else "uploaded"
            found.lost.append(f"{blob_name} was {was}, but it is not recorded")


def _wrong_figures(world: World) -> Iterator[str]:
    """The jobs compute every stored figure again from the rows; they must find nothing to correct."""

    def corrected(work: UnitOfWork) -> dict[str, int]:
        return {
            "monthly savings": work.savings.aggregate_open_months(),
            "stars": work.savings.rate_open_months(),
            "roll-ups": work.savings.rebuild_roll_ups(),
            "points": len(work.leaderboard.recalculate(None)),
        }

    with world.portal.unit_of_work(transaction=True) as work:
        for what, rows in corrected(work).items():
            if rows:
                yield f"{rows} stored rows of {what} were wrong"


def _wrong_sums(world: World) -> Iterator[str]:
    """The monthly sums against a calculation in Python."""
    figures = Figures(world, starts_in=1)
    sums = "SELECT plant_id, year, month, annualised_savings FROM monthly_savings"
    for plant, year, month, annualised in world.query(sums):
        expected = figures.saved([(year, month)], plant) * 12
        if annualised != expected:
            yield f"the sum of {year}-{month:02} is {annualised}, expected {expected}"
    counted = world.query("SELECT coalesce(sum(submitted), 0) FROM practice_counts")[0][0]
    if counted != len(figures.practices):
        yield f"{counted} practices are counted, expected {len(figures.practices)}"


def _wrong_blobs(world: World, ledger: Ledger) -> Iterator[str]:
    """Each recorded photograph has its blobs, and each blob has a row that knows it."""
    forgiven = ledger.forgiven | {f"{name}.webp" for name in ledger.forgiven}
    images = world.query("SELECT blob_name, thumbnail_name FROM practice_images")
    yield from (f"{name} has no thumbnail" for name, drawn in images if not drawn and name not in forgiven)
    permits = {row[0] for row in world.query("SELECT blob_name FROM uploads")}
    for container, names in (
        (IMAGES.container, {name for name, _ in images}),
        (THUMBNAILS, {thumbnail for _, thumbnail in images if thumbnail}),
    ):
        blobs = set(world.blob_names(container))
        yield from (f"the blob {name} is missing in {container}" for name in names - blobs - forgiven)
        yield from (f"the blob {name} in {container} has no row" for name in blobs - names - permits)


def is_settled(world: World, ledger: Ledger) -> bool:
    """Whether every upload is recorded, and every photograph has a thumbnail."""
    stored = dict(world.query("SELECT blob_name, thumbnail_name FROM practice_images"))
    waiting = {name for name, thumbnail in stored.items() if thumbnail is None} - ledger.forgiven
    return ledger.uploaded.keys() <= stored.keys() and not waiting


def all_drawn(world: World) -> bool:
    """Whether every recorded photograph has its thumbnail."""
    return not world.query("SELECT id FROM practice_images WHERE thumbnail_name IS NULL")
