"""The order of the tour's steps: from the draft of a practice to the stars of its plant."""

from local.tour.account_steps import reset_password
from local.tour.context import Tour
from local.tour.practice_steps import (
    check_health,
    check_history,
    check_other_plant_cannot_edit,
    create_draft,
    list_plants_and_categories,
    request_revision,
    resubmit_practice,
    sign_in,
    sign_out,
    submit_practice,
)
from local.tour.review_steps import decline_practice, take_practice, withdraw_practice
from local.tour.savings_steps import approve_practice, run_nightly_jobs, show_stars
from local.tour.sharing_steps import benchmark_practice, copy_practice
from local.tour.upload_steps import (
    check_thumbnails,
    confirm_upload,
    upload_invalid_file,
    upload_photographs,
    wait_for_thumbnails,
)


def run_scenario(tour: Tour) -> None:
    """Run all steps.

    Raises CheckFailed at the first response that is not as the rules require, and httpx.HTTPError if the
    portal does not respond.
    """
    other_plant = tour.accounts.other_plant
    check_health(tour)
    plant, user = sign_in(tour, tour.accounts.plant, "Sign in as a plant user.")
    category_id = list_plants_and_categories(tour, plant, user)
    practice = f"/best-practices/{create_draft(tour, plant)}"
    submit_practice(tour, plant, practice, category_id)
    before, after = upload_photographs(tour, plant, practice)
    confirm_upload(tour, plant, practice, before)
    check_thumbnails(tour, wait_for_thumbnails(tour, plant, practice, [before, after]))
    upload_invalid_file(tour, plant, practice)
    if other_plant is not None:
        check_other_plant_cannot_edit(tour, other_plant, practice)
    idea = withdraw_practice(tour, plant, category_id)
    headquarters, _ = sign_in(tour, tour.accounts.headquarters, "Sign in as a headquarters user.")
    take_practice(tour, headquarters, practice)
    decline_practice(tour, plant, headquarters, idea)
    request_revision(tour, headquarters, practice)
    resubmit_practice(tour, plant, practice)
    month = approve_practice(tour, plant, headquarters, practice)
    check_history(tour, plant, practice)
    benchmark_practice(tour, headquarters, practice)
    if other_plant is not None:
        copy_practice(tour, other_plant, practice)
    run_nightly_jobs(tour, headquarters)
    sign_out(tour, plant)
    reset_password(tour, headquarters, tour.accounts.plant, user["id"])
    show_stars(tour, headquarters, month)
