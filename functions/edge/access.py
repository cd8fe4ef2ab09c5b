"""Who may call a route: part of every endpoint's declaration, checked before its handler is called."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from bp_core.practices import life
from bp_core.practices.life import Whereabouts
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden
from bp_core.shared.model import Role

Leads = Literal["practice_id", "question_id"]
"""The ids that lead to a practice."""

PracticeRule = Callable[[Caller, Whereabouts | None], Whereabouts]


@dataclass(frozen=True)
class Access:
    """Who may call: anyone or signed-in users only, of which role, and what a practice must be to them.

    `practice` names the path parameter or body field with the id that leads to the practice: its own, or
    that of a question about it. `rule` is what must hold of the practice.
    """

    label: str
    signed_in: bool = True
    role: Role | None = None
    practice: Leads | None = None
    rule: PracticeRule | None = None

    @property
    def codes(self) -> frozenset[str]:
        """What keeps callers out."""
        codes = {"UNAUTHENTICATED", "TOKEN_EXPIRED", "TOKEN_REVOKED"} if self.signed_in else set()
        if self.rule is not None:
            codes.add("NOT_FOUND")
        if self.role is not None or self.rule not in (None, life.require_visible):
            codes.add("FORBIDDEN")
        return frozenset(codes)

    def check_role(self, caller: Caller) -> None:
        """Let only callers of the right role pass.

        Raises Forbidden.
        """
        if self.role is not None and caller.role != self.role:
            who = "headquarters" if self.role == "hq" else "plant users"
            raise Forbidden(f"This is for {who} only.")

    def check_practice(
        self,
        caller: Caller,
        values: dict[str, object],
        whereabouts: Callable[[Leads, UUID], Whereabouts | None],
    ) -> None:
        """Let only callers pass to whom the practice is what it must be.

        Raises NotFound, Forbidden.
        """
        if self.practice is None or self.rule is None:
            return
        found_by = values.get(self.practice, getattr(values.get("body"), self.practice, None))
        if not isinstance(found_by, UUID):
            raise TypeError(f"{self.label} needs an id in {self.practice}")
        self.rule(caller, whereabouts(self.practice, found_by))


ANYONE: Final = Access("anyone", signed_in=False)
SIGNED_IN: Final = Access("any signed-in user")
PLANT_USER: Final = Access("plant users", role="plant")
HEADQUARTERS: Final = Access("headquarters", role="hq")
PRACTICE_VIEWER: Final = Access("who sees the practice", practice="practice_id", rule=life.require_visible)
PRACTICE_OWNER: Final = Access(
    "the practice's plant and headquarters", practice="practice_id", rule=life.require_owner
)
QUESTION_VIEWER: Final = Access(
    "who sees the practice of the question", practice="question_id", rule=life.require_visible
)
QUESTION_OWNER: Final = Access(
    "the plant of the question's practice and headquarters", practice="question_id", rule=life.require_owner
)
