"""Steps of the tour: sign-in, and the workflow of a practice from draft to history (rules 2, 9)."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from local.data_directory import Account
from local.tour.client import ApiClient
from local.tour.context import Tour
from local.tour.report import CheckFailed, check_equal

TITLE = "Leak test before brazing, not after"
TAG = "leak test"
SAVING = {"savings_amount": 6.25, "savings_currency": "crores", "savings_period": "annually"}
"""625 / 12 = 52.0833... lakhs a month: shown as 52.08, but twelve months are 625.00."""

COMMENT = "Please describe how it was measured."


def check_health(tour: Tour) -> None:
    """The portal, its database and its storage are available."""
    with tour.report.step("Check that the portal, its database and its storage are available.") as step:
        client = tour.portal.anonymous()
        health, status = client.get("/health"), client.get("/health/status")
        for part in ("status", "database", "storage"):
            check_equal(f"/health/status, {part}", status[part], "ok")
        check_equal("/health/status, migrated", status["migrated"], True)
        step.summary = f"version {health['version']}, up for {health['uptime_s']} s, all ok"


def sign_in(tour: Tour, account: Account, title: str) -> tuple[ApiClient, Mapping[str, Any]]:
    """Sign in with e-mail and password. Returns the client and the user that the portal reports."""
    with tour.report.step(title) as step:
        client = tour.portal.sign_in(account)
        user = client.get("/auth/me")
        check_equal("e-mail of /auth/me", user["email"].lower(), account.email.lower())
        check_equal("role of /auth/me", user["role"], account.role)
        plant = f" of {user['plant_name']}" if user["plant_name"] else ""
        step.summary = f"{user['full_name']}, {user['role']} user{plant}"
    return client, user


def list_plants_and_categories(tour: Tour, plant: ApiClient, user: Mapping[str, Any]) -> str:
    """List plants and categories. Returns the id of a category."""
    with tour.report.step("List the plants and the categories of practices.") as step:
        plants, categories = plant.get("/plants"), plant.get("/categories")
        check_equal("own plant is listed", user["plant_id"] in [each["id"] for each in plants], True)
        if not categories:
            raise CheckFailed("There are no categories.")
        names = ", ".join(category["name"] for category in categories[:3])
        step.summary = f"{len(plants)} plants, {len(categories)} categories: {names} ..."
    return str(categories[0]["id"])


def create_draft(tour: Tour, plant: ApiClient) -> str:
    """Create a draft with a title only, which cannot be submitted yet (rules 2). Returns its id."""
    with tour.report.step(
        "Create a draft; a repeated call creates no other. It needs a title only, and cannot be submitted."
    ) as step:
        key = uuid4().hex
        draft, _ = plant.create("/best-practices", {"title": TITLE}, key)
        check_equal(
            "the repeated call", plant.create("/best-practices", {"title": TITLE}, key), (draft, True)
        )
        check_equal("status of a new practice", draft["status"], "draft")
        check_equal("submitted date of a draft", draft["submitted_date"], None)
        error = plant.expect_error(
            "POST", f"/best-practices/{draft['id']}/submit", {}, status=422, code="VALIDATION_ERROR"
        )
        step.summary = f"draft, without {', '.join(detail['field'] for detail in error['details'])}"
    return str(draft["id"])


def submit_practice(tour: Tour, plant: ApiClient, practice: str, category_id: str) -> None:
    """Complete and submit the practice. The server sets the submitted date (rules 2)."""
    with tour.report.step(
        "Complete the practice, with its savings, and submit it. A change of an older version is refused."
    ) as step:
        version = plant.get(practice)["version"]
        plant.patch(
            practice,
            {
                "description": "Joints were tested for leaks after brazing. One in ten had to be reworked.",
                "category_id": category_id,
                "problem_statement": "One joint in ten leaked. The leak was found two stations later.",
                "solution": "A pressure test of five seconds before the brazing station.",
                "benefits": ["less rework", "less gas"],
                "tags": [TAG.title(), "brazing"],
                **SAVING,
            },
            version=version,
        )
        plant.expect_error(
            "PATCH", practice, {"title": "x"}, status=412, code="PRECONDITION_FAILED", version=version
        )
        submitted = plant.post(f"{practice}/submit")
        check_equal("status of a submitted practice", submitted["status"], "submitted")
        check_equal("tags of the practice", submitted["tags"], [TAG, "brazing"])
        if submitted["submitted_date"] is None:
            raise CheckFailed("A submitted practice has no submitted date.")
        step.summary = f"submitted on {submitted['submitted_date']}; saves 6.25 crores a year"


def check_other_plant_cannot_edit(tour: Tour, account: Account, practice: str) -> None:
    """Users of another plant can read a submitted practice, but not edit it (rules 2)."""
    with tour.report.step("Another plant can read the submitted practice, but not edit it.") as step:
        other_plant = tour.portal.sign_in(account)
        check_equal("title for another plant", other_plant.get(practice)["title"], TITLE)
        error = other_plant.expect_error("PATCH", practice, {"title": "x"}, status=403, code="FORBIDDEN")
        other_plant.post("/auth/logout")
        step.summary = error["message"]


def request_revision(tour: Tour, headquarters: ApiClient, practice: str) -> None:
    """Headquarters requests a revision, with a mandatory comment (rules 2)."""
    with tour.report.step(
        "Headquarters requests a revision, with a comment. It cannot approve until the plant submits again."
    ) as step:
        path = f"{practice}/request-revision"
        headquarters.expect_error("POST", path, {}, status=422, code="VALIDATION_ERROR")
        returned = headquarters.post(path, {"comment": COMMENT})
        check_equal("status after a revision request", returned["status"], "revision_required")
        headquarters.expect_error("POST", f"{practice}/approve", status=409, code="INVALID_TRANSITION")
        step.summary = f'"{COMMENT}"'


def resubmit_practice(tour: Tour, plant: ApiClient, practice: str) -> None:
    """A second submission does not change the submitted date (rules 2)."""
    with tour.report.step("The plant adds the information and submits again.") as step:
        submitted_date = plant.get(practice)["submitted_date"]
        plant.patch(practice, {"metrics": "Rework hours: three months before, three months after."})
        submitted = plant.post(f"{practice}/submit")
        check_equal("status after the second submission", submitted["status"], "submitted")
        check_equal("date after the second submission", submitted["submitted_date"], submitted_date)
        step.summary = f"submitted; the submitted date is still {submitted_date}"


def check_history(tour: Tour, plant: ApiClient, practice: str) -> None:
    """The history has every status change: user, time, from, to, comment (rules 2)."""
    with tour.report.step("Check the history. The plant cannot edit the approved practice.") as step:
        history = plant.get(f"{practice}/history")
        statuses = ["draft", "submitted", "revision_required", "submitted", "approved"]
        check_equal("history", [entry["to_status"] for entry in history], statuses)
        check_equal("previous statuses", [entry["from_status"] for entry in history], [None, *statuses[:-1]])
        check_equal("comments", [entry["comment"] for entry in history if entry["comment"]], [COMMENT])
        plant.expect_error("PATCH", practice, {"title": "x"}, status=403, code="FORBIDDEN")
        step.summary = " -> ".join(entry["to_status"] for entry in history)


def sign_out(tour: Tour, plant: ApiClient) -> None:
    """A sign-out ends the session immediately, before the access token expires (rules 9)."""
    with tour.report.step(
        "Sign out as the plant user. The session ends immediately, although the token has not expired."
    ) as step:
        plant.post("/auth/logout")
        error = plant.expect_error("GET", "/auth/me", status=401, code="TOKEN_REVOKED")
        step.summary = error["message"]
