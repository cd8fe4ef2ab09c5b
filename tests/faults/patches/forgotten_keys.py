"""The portal whose answers are lost, and which does not know Idempotency-Key: it does writes twice."""

import azure.functions as func

from functions.edge import idempotency
from tests.faults.patches import lost_answers  # noqa: F401 - it changes the portal


def no_key(request: func.HttpRequest) -> str | None:
    return None


setattr(idempotency, "sent_key", no_key)  # noqa: B010 - mypy would not accept it either way
