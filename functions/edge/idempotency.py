"""Idempotency: a request that is repeated with its Idempotency-Key gets the stored answer, and does nothing.

The key is claimed in the transaction of the request, so that another request with the same key waits for it,
on any instance. An endpoint without a transaction claims the key at once, and another request gets an error
until the first one has finished.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import azure.functions as func

from adapters.postgres.idempotency import ClaimedKey
from bp_core.shared.errors import IdempotencyKeyBusy, IdempotencyKeyReused, Invalid, PortalError
from functions.edge import responses
from functions.edge.parsing import Form
from functions.unit_of_work import UnitOfWork

Outcome = func.HttpResponse | PortalError
"""What a handler's work ends with: a response, or an error that is returned so that the work is committed."""

HEADER: Final = "Idempotency-Key"
STORED_FOR: Final = timedelta(hours=24)
CLAIMED_FOR: Final = timedelta(minutes=10)
"""How long a key stays claimed if its request has no transaction and its process dies."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")


def sent_key(request: func.HttpRequest) -> str | None:
    """Return the key of a request; None if it has none. Raises Invalid."""
    key: str | None = request.headers.get(HEADER.lower())
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid.of(HEADER, "must be 1 to 64 printable characters without spaces")
    return key


def fingerprint(request: func.HttpRequest, route: str, form: object) -> bytes:
    """Return a hash that is equal for equal requests: method, route, path, body.

    A form is hashed by its fields and its file, because the boundary between them changes with each request.
    """
    path = sorted((name, value.lower()) for name, value in request.route_params.items())
    content = request.get_body()
    if isinstance(form, Form):
        parts = [sorted(form.texts.items()), form.file.filename, form.file.content_type]
        content = json.dumps(parts).encode() + hashlib.sha256(form.file.data).digest()
    whole = json.dumps([request.method, route, path]).encode() + hashlib.sha256(content).digest()
    return hashlib.sha256(whole).digest()


@dataclass(frozen=True)
class IdempotentRequest:
    """A request with an idempotency key."""

    work: UnitOfWork
    user_id: UUID
    key: str
    fingerprint: bytes
    in_transaction: bool
    request_id: str

    def run(self, produce: Callable[[], Outcome]) -> Outcome:
        """Produce an answer and store it, or replay the stored one; an error releases the key.

        Raises IdempotencyKeyReused, IdempotencyKeyBusy, and what `produce` raises.
        """
        now = self.work.context.now
        claimed = self.work.idempotency.claim(
            self.user_id, self.key, self.fingerprint, now=now, until=now + CLAIMED_FOR
        )
        if claimed is not None:
            return self._replay(claimed)
        try:
            outcome = produce()
        except BaseException:
            if not self.in_transaction:  # otherwise the rollback of the transaction releases the key
                self._release()
            raise
        if isinstance(outcome, PortalError):
            self._release()
        else:
            self._save(outcome)
        return outcome

    def _replay(self, claimed: ClaimedKey) -> func.HttpResponse:
        if claimed.request_hash != self.fingerprint:
            raise IdempotencyKeyReused("The key was used for another request.")
        if claimed.status is None or claimed.answer is None:
            raise IdempotencyKeyBusy("The first request with this key is still running.")
        answer = self.work.portal.encryption.decrypt(claimed.answer)
        if answer is None:
            raise IdempotencyKeyReused("The stored answer can no longer be read.")
        tag, _, body = answer.partition(b"\n")
        return responses.render_stored(
            body, status=claimed.status, tag=tag.decode(), request_id=self.request_id
        )

    def _save(self, answer: func.HttpResponse) -> None:
        """Store an answer, encrypted: it may contain a token or a URL that the database must not contain."""
        tag = answer.headers.get("ETag", "").encode()
        encrypted = self.work.portal.encryption.encrypt(tag + b"\n" + answer.get_body())
        until = self.work.context.now + STORED_FOR
        self.work.idempotency.save(self.user_id, self.key, answer.status_code, encrypted, until)

    def _release(self) -> None:
        self.work.idempotency.release(self.user_id, self.key)
