"""Calls that come again: the first answer once more, by Idempotency-Key, and nothing done twice.

The key is taken in the transaction of the call, so that a rival with the same key waits for it, on whichever
instance. Where an endpoint has no transaction the key is taken at once, and a rival is refused meanwhile.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import azure.functions as func

from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, Invalid, PortalError
from functions import answers
from functions.bootstrap import Unit
from functions.parsing import Form

Outcome = func.HttpResponse | PortalError
"""What a call comes to: an answer, or a refusal that is kept with what was done."""

HEADER: Final = "Idempotency-Key"
KEPT_FOR: Final = timedelta(hours=24)
AT_WORK_FOR: Final = timedelta(minutes=10)
"""How long a call without a transaction has its key at most, should its process die at work."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")


def sent_key(request: func.HttpRequest) -> str | None:
    """Read the key of a call; None where it has none.

    Raises Invalid.
    """
    key: str | None = request.headers.get(HEADER.lower())
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid.of(HEADER, "must be 1 to 64 printable characters without spaces")
    return key


def fingerprint(request: func.HttpRequest, route: str, form: object) -> bytes:
    """Tell calls apart by where they go and what they ask for; a form by its parts, not its frame."""
    path = sorted((name, value.lower()) for name, value in request.route_params.items())
    content = request.get_body()
    if isinstance(form, Form):
        parts = [sorted(form.texts.items()), form.file.filename, form.file.content_type]
        content = json.dumps(parts).encode() + hashlib.sha256(form.file.data).digest()
    whole = json.dumps([request.method, route, path]).encode() + hashlib.sha256(content).digest()
    return hashlib.sha256(whole).digest()


def once(
    unit: Unit,
    caller: Caller,
    key: str,
    request_hash: bytes,
    produce: Callable[[], Outcome],
    *,
    transaction: bool,
    request_id: str,
) -> Outcome:
    """Produce an answer and keep it, or give the one that was kept; what comes to nothing frees the key.

    Raises Conflict (IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_KEY_BUSY), and what `produce` raises.
    """
    now = unit.moment.at
    taken = unit.first_answers.take(caller.user_id, key, request_hash, now=now, until=now + AT_WORK_FOR)
    if taken is not None:
        if taken.request_hash != request_hash:
            raise Conflict("The key was used for another call.", code="IDEMPOTENCY_KEY_REUSED")
        if taken.status is None or taken.answer is None:
            raise Conflict("The first call is still at work.", code="IDEMPOTENCY_KEY_BUSY")
        return _again(unit, taken.status, taken.answer, request_id)
    try:
        outcome = produce()
    except BaseException:
        if not transaction:  # or else the transaction frees it, by being undone
            unit.first_answers.free(caller.user_id, key)
        raise
    if isinstance(outcome, PortalError):
        unit.first_answers.free(caller.user_id, key)
    else:
        unit.first_answers.keep(
            caller.user_id, key, outcome.status_code, _sealed(unit, outcome), now + KEPT_FOR
        )
    return outcome


def _sealed(unit: Unit, answer: func.HttpResponse) -> bytes:
    """Seal an answer: it may hold a token or URL that the database shall not."""
    tag = answer.headers.get("ETag", "").encode()
    return unit.portal.seal.close(tag + b"\n" + answer.get_body())


def _again(unit: Unit, status: int, sealed: bytes, request_id: str) -> func.HttpResponse:
    kept = unit.portal.seal.open(sealed)
    if kept is None:
        raise Conflict("The first answer cannot be read any more.", code="IDEMPOTENCY_KEY_REUSED")
    tag, _, body = kept.partition(b"\n")
    return answers.render_again(body, status=status, tag=tag.decode(), request_id=request_id)
