"""Random sequences of changes to points: the stored leaderboard equals a calculation in Python."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import httpx
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.world import Person, World

PLANTS: Final = 4
YEARS: Final = (2026, 2027)
INDIA: Final = ZoneInfo("Asia/Kolkata")
NEW_YEAR: Final = datetime(2026, 12, 31, 18, 30, tzinfo=UTC)
"""When 2027 begins in India."""

EMPTY: Final = "TRUNCATE best_practices, monthly_savings, leaderboard_entries CASCADE"

plants = st.integers(0, PLANTS - 1)
picks = st.integers(0, 30)


@dataclass
class Copy:
    """A copy; the order of the fields decides which copy is the first."""

    day: date
    at: datetime
    id: str
    plant: int
    practice: "Practice"


@dataclass
class Practice:
    """A practice of the model."""

    id: str
    plant: int
    status: str
    is_benchmarked: bool = False
    is_deleted: bool = False
    is_copy: bool = False
    was_decided: bool = False
    copies: list[Copy] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether the practice counts as a copy."""
        return not self.is_deleted and self.status != "declined"

    @property
    def counted(self) -> list[Copy]:
        """The copies that count, oldest first."""
        return sorted(
            (copy for copy in self.copies if copy.practice.counts),
            key=lambda copy: (copy.day, copy.at, copy.id),
        )


class Sequences(RuleBasedStateMachine):
    """Plants and headquarters do allowed and refused steps."""

    world: ClassVar[World]
    hq: ClassVar[Person]
    people: ClassVar[list[Person]]

    @initialize(copied=st.lists(st.tuples(picks, plants), max_size=6))
    def begin(self, copied: list[tuple[int, int]]) -> None:
        """Every plant has two practices, one of them benchmarked; some are already copied."""
        self.practices: list[Practice] = []
        self.world.query(EMPTY)
        self._set_clock(NEW_YEAR - timedelta(minutes=1))
        for plant in range(PLANTS):
            self.write(plant, "submitted")
            self.benchmark(len(self.practices) - 1)
            self.write(plant, "draft")
        for pick, plant in copied:
            self.copy_benchmarked(plant, pick)

    # --- steps

    @rule(plant=plants, status=st.sampled_from(["draft", "submitted"]))
    def write(self, plant: int, status: str) -> None:
        written = self.world.practice(self.people[plant], status)
        self.practices.append(Practice(written["id"], plant, status))

    @rule(pick=picks)
    def submit(self, pick: int) -> None:
        practice = self._picked(pick)
        response = self.people[practice.plant].post(f"/best-practices/{practice.id}/submit")
        expected = {"draft": "OK", "declined": "FORBIDDEN"}.get(practice.status, "INVALID_TRANSITION")
        if self._succeeded(response, expected):
            practice.status = "submitted"

    @rule(pick=picks)
    def approve(self, pick: int) -> None:
        practice = self._picked(pick)
        response = self.hq.post(f"/best-practices/{practice.id}/approve")
        if self._succeeded(response, "OK" if practice.status == "submitted" else "INVALID_TRANSITION"):
            practice.status, practice.was_decided = "approved", True

    @rule(pick=picks)
    def decline(self, pick: int) -> None:
        practice = self._picked(pick)
        response = self.hq.post(f"/best-practices/{practice.id}/decline", {"reason": "Too dear."})
        if self._succeeded(response, "OK" if practice.status == "submitted" else "INVALID_TRANSITION"):
            practice.status, practice.was_decided = "declined", True

    @rule(pick=picks)
    def decline_a_copy(self, pick: int) -> None:
        copies = [one for one in self._live if one.is_copy and one.status == "submitted"]
        if copies:
            self.decline(self._live.index(copies[pick % len(copies)]))

    @rule(pick=picks, by_edit=st.booleans())
    def reopen(self, pick: int, by_edit: bool) -> None:
        declined = [one for one in self._live if one.status == "declined"]
        practice = declined[pick % len(declined)] if declined else self._picked(pick)
        path = f"/best-practices/{practice.id}"
        if by_edit and declined:
            response = self.hq.patch(path, {"status": "submitted"})
        else:
            response = self.hq.post(f"{path}/reopen")
        if self._succeeded(response, "OK" if declined else "INVALID_TRANSITION"):
            practice.status = "submitted"

    @rule(pick=picks)
    def withdraw(self, pick: int) -> None:
        practice = self._picked(pick)
        response = self.people[practice.plant].post(f"/best-practices/{practice.id}/withdraw")
        expected = "ALREADY_DECIDED" if practice.was_decided else "COPIED" if practice.is_copy else "OK"
        if self._succeeded(response, expected if practice.status == "submitted" else "INVALID_TRANSITION"):
            practice.status = "draft"

    @rule(pick=picks)
    def benchmark(self, pick: int) -> None:
        practice = self._picked(pick)
        expected = "NOT_BENCHMARKABLE" if practice.status in ("draft", "declined") else "OK"
        if practice.is_benchmarked:
            expected = "ALREADY_BENCHMARKED"
        if self._succeeded(self.hq.post(f"/benchmarking/benchmark/{practice.id}"), expected):
            practice.status, practice.is_benchmarked, practice.was_decided = "approved", True, True

    @rule(pick=picks)
    def unbenchmark(self, pick: int) -> None:
        practice = self._picked(pick)
        response = self.hq.delete(f"/benchmarking/unbenchmark/{practice.id}")
        if self._succeeded(response, "OK" if practice.is_benchmarked else "NOT_BENCHMARKED"):
            practice.is_benchmarked = False

    @rule(plant=plants, pick=picks)
    def copy_any(self, plant: int, pick: int) -> None:
        self._copy(plant, self._picked(pick))

    @rule(plant=plants, pick=picks)
    def copy_benchmarked(self, plant: int, pick: int) -> None:
        benchmarked = [practice for practice in self.practices if practice.is_benchmarked]
        if benchmarked:
            self._copy(plant, benchmarked[pick % len(benchmarked)])

    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        practice = self._picked(pick)
        response = self.people[practice.plant].delete(f"/best-practices/{practice.id}")
        if self._succeeded(response, "BENCHMARKED" if practice.is_benchmarked else "OK"):
            practice.is_deleted = True

    @rule(pick=picks)
    def delete_the_first_copy(self, pick: int) -> None:
        originals = [practice for practice in self.practices if practice.counted]
        if originals:
            self.delete(self._live.index(originals[pick % len(originals)].counted[0].practice))

    @rule(pick=picks)
    def use_a_deleted_practice(self, pick: int) -> None:
        deleted = [practice for practice in self.practices if practice.is_deleted]
        if deleted:
            practice = deleted[pick % len(deleted)]
            original = {"original_practice_id": practice.id}
            for response in (
                self.hq.post(f"/benchmarking/benchmark/{practice.id}"),
                self.hq.delete(f"/benchmarking/unbenchmark/{practice.id}"),
                self.hq.delete(f"/best-practices/{practice.id}"),
                self.people[(practice.plant + 1) % PLANTS].post("/copy/implement", original),
            ):
                self._succeeded(response, "NOT_FOUND")

    @rule(minutes=st.sampled_from([-2, -1, 1, 2]))
    def move_the_clock(self, minutes: int) -> None:
        self._set_clock(self.world.clock.at + timedelta(minutes=minutes))

    @rule(year=st.sampled_from([None, *YEARS]))
    def recalculate(self, year: int | None) -> None:
        path = "/leaderboard/recalculate" + (f"?year={year}" if year else "")
        totals = self.hq.post(path).json()["data"]
        entries = {key: points for key, points in self._points().items() if year in (None, key[1])}
        origin, copier = (sum(points[part] for points in entries.values()) for part in (0, 1))
        assert totals == {
            "year": year,
            "total_entries": len(entries),
            "origin_points_awarded": origin,
            "copier_points_awarded": copier,
            "total_points": origin + copier,
        }
        assert self.world.query("SELECT rows FROM job_runs WHERE rows <> 0") == []

    # --- invariants

    @invariant()
    def the_stored_leaderboard_equals_the_model(self) -> None:
        rows = self.world.query(
            "SELECT plant_id, year, origin_points, copier_points FROM leaderboard_entries"
            " WHERE total_points <> 0"
        )
        stored = {(self.world.plants.index(row[0]), row[1]): tuple(row[2:]) for row in rows}
        assert stored == self._points()

    @invariant()
    def ranks_are_competition_ranks_and_the_breakdown_adds_up(self) -> None:
        for year in YEARS:
            rows = self.hq.get("/leaderboard/current", year=year).json()["data"]
            expected = []
            for plant in range(len(self.world.plants)):
                origin, copier = self._points().get((plant, year), (0, 0))
                expected.append((str(self.world.plants[plant]), origin, copier))
            totals = [origin + copier for _, origin, copier in expected]
            ranked = sorted(expected, key=lambda one: -one[1] - one[2])  # the plants are in order of name
            assert [(row["plant_id"], row["origin_points"], row["copier_points"]) for row in rows] == ranked
            for row in rows:
                assert row["rank"] == 1 + sum(total > row["total_points"] for total in totals)
                assert row["total_points"] == row["origin_points"] + row["copier_points"]
                assert self._broken_down(row) == self._earned(row["plant_id"], year)

    # --- the calculation of the model

    def _points(self) -> dict[tuple[int, int], tuple[int, int]]:
        """The origin and copier points of each plant and year that has any."""
        origin, copier = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
        for practice in self.practices:
            if practice.is_benchmarked and not practice.is_deleted and practice.counted:
                origin[practice.plant, practice.counted[0].day.year] += 10
                for copy in practice.counted:
                    copier[copy.plant, copy.day.year] += 5
        return {key: (origin[key], copier[key]) for key in origin | copier}

    def _earned(self, plant_id: str, year: int) -> Counter[tuple[str, int, str, str]]:
        """What earned the points of a plant in a year."""
        plant = [str(one) for one in self.world.plants].index(plant_id)
        earned = Counter[tuple[str, int, str, str]]()
        for practice in self.practices:
            if not practice.is_benchmarked:
                continue
            for place, copy in enumerate(practice.counted):
                if copy.day.year != year:
                    continue
                if copy.plant == plant:
                    earned["Copier", 5, copy.day.isoformat(), practice.id] += 1
                if place == 0 and practice.plant == plant:
                    earned["Origin", 10, copy.day.isoformat(), practice.id] += 1
        return earned

    def _broken_down(self, row: dict[str, Any]) -> Counter[tuple[str, int, str, str]]:
        dates = [one["date"] for one in row["breakdown"]]
        assert dates == sorted(dates, reverse=True)
        return Counter((one["type"], one["points"], one["date"], one["bp_id"]) for one in row["breakdown"])

    # --- helpers

    def _copy(self, plant: int, original: Practice) -> None:
        expected = "OK"
        if original.status in ("draft", "declined") and original.plant != plant:
            expected = "NOT_FOUND"
        elif original.plant == plant:
            expected = "OWN_PRACTICE"
        elif not original.is_benchmarked:
            expected = "NOT_BENCHMARKED"
        elif plant in [copy.plant for copy in original.copies if not copy.practice.is_deleted]:
            expected = "ALREADY_COPIED"
        response = self.people[plant].post("/copy/implement", {"original_practice_id": original.id})
        if self._succeeded(response, expected):
            made = response.json()["data"]
            practice = Practice(made["copied_practice"]["id"], plant, "submitted", is_copy=True)
            self.practices.append(practice)
            now = self.world.clock.at
            record = made["copy_record"]
            assert record["copied_date"] == now.astimezone(INDIA).date().isoformat()
            first = not original.counted
            copy = Copy(now.astimezone(INDIA).date(), now, record["id"], plant, practice)
            original.copies.append(copy)
            awarded = made["points_awarded"]
            assert (awarded["origin_points"], awarded["copier_points"]) == (10 if first else 0, 5)

    @property
    def _live(self) -> list[Practice]:
        return [practice for practice in self.practices if not practice.is_deleted]

    def _picked(self, pick: int) -> Practice:
        if not self._live:
            self.write(0, "submitted")
        return self._live[pick % len(self._live)]

    def _succeeded(self, response: httpx.Response, expected: str) -> bool:
        """Check the response of a call. Returns whether it succeeded."""
        body = response.json()
        assert ("OK" if body["success"] else body["error"]["code"]) == expected
        return expected == "OK"

    def _set_clock(self, at: datetime) -> None:
        self.world.clock.at = at
        for person in (self.hq, *self.people):
            person.sign_in()


def test_after_any_sequence_the_leaderboard_equals_a_calculation_in_python(world: World) -> None:
    Sequences.world = world
    Sequences.hq = world.add_person("hq@amber.test")
    Sequences.people = [
        world.add_person(f"plant{number}@amber.test", plant=number) for number in range(PLANTS)
    ]
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.generate],  # making a failure shorter would take minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
