"""Requests and responses of sign-in, accounts, sessions and invites."""

from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from bp_core.shared.schemas import Line, RequestModel, ResponseModel, Role, Text, Timestamp

ACCESS_LIFETIME: Final = timedelta(minutes=30)
SHORTEST_PASSWORD: Final = 8
LONGEST_PASSWORD_BYTES: Final = 72


def _acceptable(password: str) -> str:
    """Check the length of a new password (rules 9): bcrypt would ignore everything after 72 bytes."""
    if len(password) < SHORTEST_PASSWORD:
        raise ValueError(f"must have at least {SHORTEST_PASSWORD} characters")
    size = len(password.encode())
    if size > LONGEST_PASSWORD_BYTES:
        raise ValueError(
            f"must take at most {LONGEST_PASSWORD_BYTES} bytes; this one takes {size}"
            f" in {len(password)} characters (letters outside ASCII take two to four bytes each)"
        )
    return password


Email = Annotated[
    Text,
    StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
    Field(json_schema_extra={"pattern": r"^\s*[^@\s\u0000]+@[^@\s\u0000]+\.[^@\s\u0000]+\s*$"}),
]
"""An e-mail address: one @ with a dot after it; whether it receives mail is not checked."""

NewPassword = Annotated[
    Text,
    AfterValidator(_acceptable),
    Field(json_schema_extra={"minLength": SHORTEST_PASSWORD, "maxLength": LONGEST_PASSWORD_BYTES}),
]
"""A new password: 8 characters to 72 bytes (rules 9)."""

GivenPassword = Annotated[Text, Field(min_length=1, max_length=1000)]
"""A password to be compared with the stored one."""

FullName = Annotated[Line, Field(max_length=200)]


class Credentials(RequestModel):
    """E-mail and password; `device_token` is that of the last login on this device, if there is one."""

    email: Annotated[Text, Field(min_length=3, max_length=320, examples=["asha.rao@amber.example"])]
    password: Annotated[GivenPassword, Field(examples=["a long pass phrase"])]
    remember_me: bool = False
    device_token: Annotated[
        Annotated[Text, Field(max_length=4000)] | None,
        Field(examples=["eyJhbGciOiJIUzI1NiJ9.eyJ0eXAiOiJkZXZpY2UifQ.c2lnbmF0dXJl"]),
    ] = None


class RefreshRequest(RequestModel):
    """The refresh token to be exchanged for new tokens."""

    refresh_token: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=4000,
            examples=["eyJhbGciOiJIUzI1NiJ9.eyJ0eXAiOiJyZWZyZXNoIn0.c2lnbmF0dXJl"],
        ),
    ]


class LogoutRequest(RequestModel):
    """A refresh token whose session ends, too."""

    refresh_token: Annotated[
        Annotated[Text, Field(max_length=4000)] | None,
        Field(examples=["eyJhbGciOiJIUzI1NiJ9.eyJ0eXAiOiJyZWZyZXNoIn0.c2lnbmF0dXJl"]),
    ] = None


class Registration(RequestModel):
    """A new account; with an invite it is active at once, without one headquarters activates it."""

    email: Annotated[Email, Field(examples=["asha.rao@amber.example"])]
    password: Annotated[NewPassword, Field(examples=["a long pass phrase"])]
    full_name: Annotated[FullName, Field(examples=["Asha Rao"])]
    invite_token: Annotated[
        Annotated[Text, Field(min_length=1, max_length=200)] | None, Field(examples=["kQ3v8b0mT1xW5dYz"])
    ] = None


class PasswordChange(RequestModel):
    """The current password and the new one."""

    current_password: Annotated[GivenPassword, Field(examples=["an old pass phrase"])]
    new_password: Annotated[NewPassword, Field(examples=["a new pass phrase"])]


class PasswordReset(RequestModel):
    """The token of a password reset, and the new password."""

    token: Annotated[Text, Field(min_length=1, max_length=200, examples=["kQ3v8b0mT1xW5dYz"])]
    new_password: Annotated[NewPassword, Field(examples=["a new pass phrase"])]


class IssuedPasswordReset(ResponseModel):
    """A password reset with its token, which no later response has; `link` is null if no client is known."""

    user_id: UUID
    token: Annotated[str, Field(examples=["kQ3v8b0mT1xW5dYz"])]
    link: Annotated[
        str | None, Field(examples=["https://portal.example/reset-password#token=kQ3v8b0mT1xW5dYz"])
    ]
    expires_at: Timestamp


class Tokens(ResponseModel):
    """The tokens of a session; `expires_in` is the lifetime of the access token in seconds."""

    access_token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"])]
    refresh_token: Annotated[
        str, Field(examples=["eyJhbGciOiJIUzI1NiJ9.eyJ0eXAiOiJyZWZyZXNoIn0.c2lnbmF0dXJl"])
    ]
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the scheme's name, no secret
    expires_in: Annotated[int, Field(examples=[1800])] = int(ACCESS_LIFETIME.total_seconds())


class NewSignIn(Tokens):
    """The tokens of a new session. `device_token` is for the next login on this device, and opens nothing."""

    device_token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiJ9.eyJ0eXAiOiJkZXZpY2UifQ.c2lnbmF0dXJl"])]


class OpenSession(ResponseModel):
    """A session that can be used; `is_current` marks the session of this request."""

    id: UUID
    created_at: Timestamp
    last_seen_at: Timestamp
    expires_at: Timestamp
    user_agent: Annotated[str | None, Field(examples=["Mozilla/5.0"])]
    is_current: bool


class NewInvite(RequestModel):
    """An invite to be created: for a user of one plant, or of headquarters."""

    email: Annotated[Email, Field(examples=["asha.rao@amber.example"])]
    role: Role
    plant_id: UUID | None = None


class Invite(ResponseModel):
    """An invite: usable once, for one e-mail, within seven days."""

    id: UUID
    email: Annotated[str, Field(examples=["asha.rao@amber.example"])]
    role: Role
    plant_id: UUID | None
    invited_by_user_id: UUID
    expires_at: Timestamp
    used_at: Timestamp | None
    created_at: Timestamp


class IssuedInvite(Invite):
    """An invite with its token, which no later response has."""

    token: Annotated[str, Field(examples=["kQ3v8b0mT1xW5dYz"])]
