"""What people send to get in, and what they are given."""

from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from bp_core.shared.model import Line, Role, Sent, Shown, Text, Timestamp

ACCESS_LIFETIME: Final = timedelta(minutes=30)
SHORTEST_PASSWORD: Final = 8
LONGEST_PASSWORD_BYTES: Final = 72


def _acceptable(password: str) -> str:
    """Hold a new password against the limits of rules 9: what bcrypt would cut off is refused, not cut."""
    if len(password) < SHORTEST_PASSWORD:
        raise ValueError(f"must have at least {SHORTEST_PASSWORD} characters")
    if (size := len(password.encode())) > LONGEST_PASSWORD_BYTES:
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
"""An e-mail address: one @, a dot behind it; whether mail arrives there is found out by sending some."""

NewPassword = Annotated[
    Text,
    AfterValidator(_acceptable),
    Field(json_schema_extra={"minLength": SHORTEST_PASSWORD, "maxLength": LONGEST_PASSWORD_BYTES}),
]
"""A password that is to be set: 8 characters to 72 bytes (rules 9)."""

GivenPassword = Annotated[Text, Field(min_length=1, max_length=1000)]
"""A password that somebody claims to know."""

FullName = Annotated[Line, Field(max_length=200)]


class Credentials(Sent):
    """What a person signs in with."""

    email: Annotated[Text, Field(min_length=3, max_length=320)]
    password: GivenPassword
    remember_me: bool = False


class RefreshRequest(Sent):
    """The refresh token that is to be exchanged for new tokens."""

    refresh_token: Annotated[Text, Field(min_length=1, max_length=4000)]


class LogoutRequest(Sent):
    """What a client may send along when it signs out."""

    refresh_token: Annotated[Text, Field(max_length=4000)] | None = None


class Registration(Sent):
    """What a person registers with: an invite makes the account active, or else headquarters does."""

    email: Email
    password: NewPassword
    full_name: FullName
    invite_token: Annotated[Text, Field(min_length=1, max_length=200)] | None = None


class PasswordChange(Sent):
    """The password that is, and the one that is to be."""

    current_password: GivenPassword
    new_password: NewPassword


class Tokens(Shown):
    """What a signed-in client holds; `expires_in` is the life of the access token in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the scheme's name, no secret
    expires_in: int = int(ACCESS_LIFETIME.total_seconds())


class OpenSession(Shown):
    """A session that somebody has open; `is_current` marks the one that asks."""

    id: UUID
    created_at: Timestamp
    last_seen_at: Timestamp
    expires_at: Timestamp
    user_agent: str | None
    is_current: bool


class NewInvite(Sent):
    """Whom headquarters invites, as what: a plant user of one plant, or one of their own."""

    email: Email
    role: Role
    plant_id: UUID | None = None


class Invite(Shown):
    """An invitation: single use, for one e-mail, seven days."""

    id: UUID
    email: str
    role: Role
    plant_id: UUID | None
    invited_by_user_id: UUID
    expires_at: Timestamp
    used_at: Timestamp | None
    created_at: Timestamp


class IssuedInvite(Invite):
    """An invitation with its token, which is shown this once and kept as a hash only."""

    token: str
