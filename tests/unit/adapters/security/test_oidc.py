from typing import Any

import pytest

from adapters.oidc import vouched_email
from bp_core.shared.errors import Unauthenticated

EMAIL = "asha@amber.example"


@pytest.mark.parametrize(
    "vouching",
    [
        {"email_verified": True},
        {"email_verified": True, "xms_edov": False},
        {"xms_edov": True},
        {"xms_edov": 1},
        {"xms_edov": "1"},
        {"xms_edov": "true"},
    ],
)
def test_an_issuer_vouches_for_an_email_in_the_standards_way_or_in_entras(vouching: dict[str, Any]) -> None:
    assert vouched_email({"email": EMAIL, **vouching}) == EMAIL


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
def test_an_email_that_nobody_vouches_for_is_not_believed(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        vouched_email(claims)
