"""Steps of the tour: a forgotten password (rules 9)."""

from local.data_directory import Account
from local.tour.client import ApiClient
from local.tour.context import Tour


def reset_password(tour: Tour, headquarters: ApiClient, account: Account, user_id: str) -> None:
    """Headquarters issues a token, which sets a password once. Here it is the same one, for the next tour."""
    with tour.report.step(
        "Headquarters resets the password of the plant user. The token works once, and ends all sessions."
    ) as step:
        reset = headquarters.post(f"/users/{user_id}/password-reset", expected={201})
        anyone, path = tour.portal.anonymous(), "/auth/reset-password"
        body = {"token": reset["token"], "new_password": account.password}
        anyone.post(path, body)
        refused = anyone.expect_error("POST", path, body, status=422, code="VALIDATION_ERROR")
        tour.portal.sign_in(account).post("/auth/logout")
        step.summary = f"{refused['details'][0]['field']} {refused['details'][0]['message']}"
