"""What schemathesis, which loads this, has to know of the portal beyond its description."""

import os
import re
from typing import Any

import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

tokens = os.environ["TOKENS"].split()
"""Access tokens of one person: their sessions end one by one, as the calls are made that end them."""


@schemathesis.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    """Leave out what the functions host answers itself, or keeps from the portal.

    A path with a malformed id is a path that no route knows (404 without an envelope), and a query value that
    is empty is not handed on: both are so in Azure, and both have tests of their own.
    """
    ids = (case.path_parameters or {}).values()
    return all(GUID.fullmatch(str(value)) for value in ids) and "" not in (case.query or {}).values()


if tokens:

    @schemathesis.auth(refresh_interval=None)
    class SignedIn:
        """Sends the first token that still has a session."""

        def get(self, case: Case[Any], context: AuthContext) -> str:
            return tokens[0]

        def set(self, case: Case[Any], data: str, context: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {data}"

    @schemathesis.hook
    def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
        """Take the next session once this one has ended."""
        is_ours = response.request.headers.get("Authorization") == f"Bearer {tokens[0]}"
        if response.status_code == 401 and is_ours and case.operation.definition.raw["security"]:
            tokens.pop(0)
