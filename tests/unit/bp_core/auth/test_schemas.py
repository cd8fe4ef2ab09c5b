from typing import Any

import pytest
from pydantic import ValidationError

from bp_core.auth.schemas import Credentials, NewInvite, PasswordChange, Registration

EMAIL = "asha@amber.example"
REGISTRATION = {"email": EMAIL, "password": "a long mango", "full_name": "Asha"}


@pytest.mark.parametrize(
    "sent",
    [
        {"email": "a@", "password": "mango"},
        {"email": EMAIL, "password": ""},
        {"email": EMAIL, "password": "m" * 1001},
        {"email": "e" * 321, "password": "mango"},
        {"email": EMAIL, "password": "man\x00go"},
        {"email": EMAIL},
        {"email": EMAIL, "password": "mango", "role": "hq"},
    ],
)
def test_malformed_credentials_are_refused(sent: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Credentials.model_validate(sent)


@pytest.mark.parametrize(
    "password",
    [
        "8 chars!",
        "x" * 72,
        "आम" * 12,  # 24 characters of three bytes
        "  spaces count  ",
        "no digits no capitals",
        "🥭" * 18,
    ],
)
def test_passwords_of_8_characters_to_72_bytes_are_accepted_unchanged(password: str) -> None:
    taken = Registration.model_validate({**REGISTRATION, "password": password})

    assert taken.password == password
    assert PasswordChange(current_password="mango", new_password=password).new_password == password


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "must have at least 8 characters"),
        ("7 chars", "must have at least 8 characters"),
        ("आ" * 7, "must have at least 8 characters"),
        ("x" * 73, "must take at most 72 bytes; this one takes 73 in 73 characters"),
        ("आ" * 25, "must take at most 72 bytes; this one takes 75 in 25 characters"),
        ("12345678\x00", "NUL"),
    ],
)
def test_other_passwords_are_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Registration.model_validate({**REGISTRATION, "password": password})
    with pytest.raises(ValidationError, match=reason):
        PasswordChange(current_password="mango", new_password=password)


@pytest.mark.parametrize(
    "email", ["asha", "@amber.example", "asha@", "asha@amber", "a b@amber.example", "a@b@c.d"]
)
def test_what_is_no_e_mail_address_is_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        Registration.model_validate({**REGISTRATION, "email": email})
    with pytest.raises(ValidationError):
        NewInvite.model_validate({"email": email, "role": "hq"})


def test_white_space_around_an_e_mail_is_dropped() -> None:
    assert Registration.model_validate({**REGISTRATION, "email": f" {EMAIL} "}).email == EMAIL


@pytest.mark.parametrize("field", ["role", "plant_id", "is_active", "id", "hashed_password"])
def test_a_registration_cannot_set_what_headquarters_sets(field: str) -> None:
    sent: dict[str, Any] = {**REGISTRATION, field: "hq"}
    with pytest.raises(ValidationError, match="Extra inputs"):
        Registration.model_validate(sent)
