"""Steps of the tour: the inbox of headquarters; a practice is withdrawn, declined and reopened (rules 2)."""

from collections.abc import Mapping

from local.tour.client import ApiClient
from local.tour.context import Tour
from local.tour.report import CheckFailed, check_equal

REASON = "The same practice is in use already."

IDEA = {
    "title": "Longer hoses",
    "description": "Hoses of line 3 are replaced by longer ones.",
    "problem_statement": "The hoses are too short.",
    "solution": "Longer hoses.",
}


def take_practice(tour: Tour, headquarters: ApiClient, practice: str) -> None:
    """The practice waits in the inbox. Headquarters takes it, and finds it among its own."""
    with tour.report.step("Headquarters finds the practice in its inbox and takes it.") as step:
        practice_id = practice.rpartition("/")[2]
        waiting = _in_inbox(headquarters, practice_id)
        check_equal("is_overdue of a new practice", waiting["is_overdue"], False)
        check_equal("reviewer of a new practice", waiting["reviewer_name"], None)
        taken = headquarters.post(f"/reviews/{practice_id}/take")
        mine = _in_inbox(headquarters, practice_id, reviewer="me")
        check_equal("reviewer in the inbox", mine["reviewer_id"], taken["reviewer_id"])
        step.summary = f"{taken['reviewer_name']} decides by {taken['due_date']}"


def withdraw_practice(tour: Tour, plant: ApiClient, category_id: str) -> str:
    """What nobody has decided is withdrawn. Returns the path of a practice that was submitted again."""
    with tour.report.step("Submit another practice, withdraw it, and submit it again.") as step:
        body = {**IDEA, "category_id": category_id, "status": "submitted"}
        idea = f"/best-practices/{plant.post('/best-practices', body, expected={201})['id']}"
        withdrawn = plant.post(f"{idea}/withdraw")
        check_equal("status after a withdrawal", withdrawn["status"], "draft")
        check_equal("submitted date after a withdrawal", withdrawn["submitted_date"], None)
        plant.post(f"{idea}/submit")
        step.summary = "submitted -> draft -> submitted"
    return idea


def decline_practice(tour: Tour, plant: ApiClient, headquarters: ApiClient, idea: str) -> None:
    """A declined practice can only be reopened by headquarters. Its plant reads why, and deletes it."""
    with tour.report.step(
        "Headquarters declines the other one, and reopens it. The plant cannot withdraw it any more."
    ) as step:
        headquarters.post(f"{idea}/decline", {"reason": REASON})
        check_equal("reason for the plant", plant.get(idea)["declined_reason"], REASON)
        plant.expect_error("PATCH", idea, {"title": "x"}, status=403, code="FORBIDDEN")
        check_equal("status after reopening", headquarters.post(f"{idea}/reopen")["status"], "submitted")
        plant.expect_error("POST", f"{idea}/withdraw", {}, status=409, code="ALREADY_DECIDED")
        plant.delete(idea)
        step.summary = f'"{REASON}"'


def _in_inbox(headquarters: ApiClient, practice_id: str, **query: object) -> Mapping[str, object]:
    """The item of a practice in the inbox."""
    for item in headquarters.get_all("/reviews/inbox", **query):
        if item["id"] == practice_id:
            return item
    raise CheckFailed("The submitted practice is not in the inbox.")
