from typing import Any

import pytest

from adapters.security.oidc import verified_email_in
from bp_core.shared.errors import Unauthenticated

EMAIL = "asha@amber.example"


@pytest.mark.parametrize(
    "verification",
    [
        {"email_verified": True},
        {"email_verified": True, "xms_edov": False},
        {"xms_edov": True},
        {"xms_edov": 1},
        {"xms_edov": "1"},
        {"xms_edov": "true"},
    ],
)
def test_an_email_is_verified_by_the_standards_claim_or_by_entras(verification: dict[str, Any]) -> None:
    assert verified_email_in({"email": EMAIL, **verification}) == EMAIL


@pytest.mark.parametrize(
    "claims",
    [
        {"email": EMAIL},
        {"email": EMAIL, "email_verified": False},
        {"email": EMAIL, "email_verified": None},
        {"email": EMAIL, "email_verified": "true"},
        {"email": EMAIL, "email_verified": 1},
        {"email": EMAIL, "email_verified": False, "xms_edov": True},
        {"email": EMAIL, "xms_edov": False},
        {"email": EMAIL, "xms_edov": "0"},
        {"email": EMAIL, "xms_edov": 0},
        {"email": EMAIL, "xms_edov": 2},
        {"email": EMAIL, "xms_edov": [True]},
        {"email_verified": True},
        {"email": None, "email_verified": True},
        {"email": [EMAIL], "email_verified": True},
        {"preferred_username": EMAIL, "email_verified": True},
    ],
    ids=str,
)
def test_an_email_that_is_not_verified_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        verified_email_in(claims)
