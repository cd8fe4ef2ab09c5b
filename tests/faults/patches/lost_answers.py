"""The portal whose answers are lost on their way: every third write is done, and answered with 503."""

import random

import azure.functions as func

from bp_core.shared.access import Caller
from bp_core.shared.errors import Unavailable
from functions.edge import responses
from functions.edge.invocation import Invocation

LOST = 1 / 3

answer = Invocation._answer


def answer_or_lose(self: Invocation, caller: Caller | None) -> func.HttpResponse:
    response = answer(self, caller)
    if self.endpoint.writes and random.random() < LOST:
        raise Unavailable("The answer is lost.")
    return response


setattr(responses, "RETRY_AFTER_SECONDS", 0)  # noqa: B010 - a constant cannot be assigned
setattr(Invocation, "_answer", answer_or_lose)  # noqa: B010 - a method cannot be assigned
