"""One request to an endpoint: from the request to the response, whatever happens in between."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import uuid4

import azure.functions as func

from adapters.postgres.connections import CALLS
from adapters.postgres.pool import one_patience
from bp_core.shared.access import Caller
from bp_core.shared.errors import BadRequest, PortalError, TooLarge, Unauthenticated
from functions import bootstrap, logs
from functions.bootstrap import Portal
from functions.edge import idempotency, parsing, responses
from functions.edge.authentication import identify
from functions.edge.clients import client_address
from functions.edge.declaration import Endpoint
from functions.edge.etags import expected_versions
from functions.edge.expensive import expensive_call
from functions.edge.idempotency import IdempotentRequest, Outcome
from functions.edge.rate_limits import LimitGroup, RateLimitStatus, named_account, named_device
from functions.unit_of_work import UnitOfWork

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def serve(endpoint: Endpoint, request: func.HttpRequest) -> func.HttpResponse:
    """Return the response to a request, and log it."""
    started = time.perf_counter()
    request_id = _request_id(request)
    logs.bind(request_id=request_id)
    response = _respond(endpoint, request, request_id)
    logs.log(
        "answered",
        method=endpoint.method,
        route=endpoint.route,
        status=response.status_code,
        milliseconds=round((time.perf_counter() - started) * 1000, 1),
    )
    return response


def _request_id(request: func.HttpRequest) -> str:
    """Return the id that the client sent, or a new one."""
    sent: str = request.headers.get("x-request-id", "")
    return sent if _REQUEST_ID.fullmatch(sent) else uuid4().hex


def _respond(endpoint: Endpoint, request: func.HttpRequest, request_id: str) -> func.HttpResponse:
    headers: dict[str, str] = {}
    try:
        portal = bootstrap.portal()
        invocation = Invocation(endpoint, request, request_id, portal, portal.clock.now(), headers)
        with one_patience():
            response = invocation.response()
    except PortalError as error:
        logs.log("refused", code=error.code)
        response = responses.render_error(error, request_id)
    except Exception as failure:  # noqa: BLE001 - the last resort: the caller must not learn the cause
        logs.log_failure("failed", failure)
        response = responses.render_failure(request_id)
    response.headers.update(headers)
    return response


@dataclass(frozen=True)
class Invocation:
    """A request while it is processed. `headers` collects what every response to it has: the rate limits."""

    endpoint: Endpoint
    request: func.HttpRequest
    request_id: str
    portal: Portal
    now: datetime
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> func.HttpResponse:
        """Process the request. Raises PortalError."""
        caller = self._admitted()
        if caller is None or not self.endpoint.expensive:
            return self._answer(caller)
        with expensive_call(self.portal, caller.user_id, self.now):
            return self._answer(caller)

    def _answer(self, caller: Caller | None) -> func.HttpResponse:
        """Call the handler in its unit of work."""
        limits = self.portal.settings.expensive_limits if self.endpoint.expensive else CALLS
        with self.portal.unit_of_work(
            transaction=self.endpoint.transaction, request_id=self.request_id, limits=limits
        ) as work:
            work.context.caller = caller
            arguments = self._arguments(work, caller)
            outcome = self._outcome(work, arguments)
            if caller is not None and self.endpoint.writes and self.endpoint.transaction:
                work.sign_in.require_unchanged(caller)
        if isinstance(outcome, PortalError):  # raised after the commit: what the handler wrote is saved
            raise outcome
        return outcome

    def _admitted(self) -> Caller | None:
        """Return who is calling, if somebody is signed in, and count the request.

        It counts against the user only once their session is known to be live: until then, anybody may have
        sent the token. What is refused here counts against the client, and its body was not parsed.
        """
        try:
            parsing.require_short_head(self.request)
            user = self._user() if self.endpoint.who.signed_in else None
            if user is None and self.endpoint.writes:
                parsing.require_size(self.request, self.endpoint.body_limit)
        except (BadRequest, Unauthenticated, TooLarge):
            self._count("general", f"{self._client}:refused")
            raise
        if user is None:
            self._count_stranger()
            return None
        caller, key = user
        self._count(self.endpoint.limit, key)
        self.endpoint.who.check_role(caller)
        return caller

    def _user(self) -> tuple[Caller, str]:
        """Find the user of a live session, and their key for rate limits: one query, before the transaction.

        A user who is known to be over the limit is refused without it. Raises Unauthenticated, RateLimited.
        """
        identity = identify(self.request, self.portal, self.now)
        limiter = self.portal.limiters[self.endpoint.limit]
        if limiter is not None:
            self._report(limiter.foresee(f"{self.endpoint.limit}:{identity.key}", self.now))
        with self.portal.unit_of_work(transaction=False, request_id=self.request_id) as work:
            caller = identity.caller(work)
        logs.bind(user_id=caller.user_id)
        return caller, identity.key

    def _count_stranger(self) -> None:
        """Count the request against the client, or as an attempt to sign in."""
        if self.endpoint.limit == "sign_in":
            self._count_sign_in()
        else:
            self._count(self.endpoint.limit, f"{self._client}:")

    def _count_sign_in(self) -> None:
        """Count an attempt to sign in: of a known device, or of a client at the account that it names."""
        device = named_device(self.request, self.portal.tokens, self.now)
        if device is not None:  # others behind the same address cannot use up its attempts
            self._count("sign_in", f"device:{device}")
            return
        # Otherwise a client could try one password for any number of accounts.
        self._count("sign_in_client", self._client)
        self._count("sign_in", f"{self._client}:{named_account(self.request)}")

    def _count(self, group: LimitGroup, key: str) -> None:
        """Count the request against a limit, and report it in the headers. Raises RateLimited."""
        limiter = self.portal.limiters[group]
        if limiter is not None:
            self._report(limiter.count(f"{group}:{key}", self.now))

    def _report(self, status: RateLimitStatus) -> None:
        self.headers.update(status.headers)
        status.require_room()

    @property
    def _client(self) -> str:
        return client_address(self.request, self.portal.settings.trusted_proxies)

    def _arguments(self, work: UnitOfWork, caller: Caller | None) -> dict[str, object]:
        """Parse the inputs of the handler, and check access to the thing that they name.

        The order decides what a caller learns: first whether the token is valid, then whether their role may
        call, then what is wrong with the request, and only then whether they may use the thing that it names.
        """
        values: dict[str, object] = {
            "work": work,
            "caller": caller,
            "request": self.request,
            **self._inputs(),
        }
        if caller is not None and self.endpoint.writes:
            self.endpoint.who.check_target(work, caller, values)
        return {name: values[name] for name in self.endpoint.inputs.names}

    def _inputs(self) -> dict[str, object]:
        inputs, request = self.endpoint.inputs, self.request
        if self.endpoint.writes:  # the body of a read is ignored
            parsing.require_size(request, self.endpoint.body_limit)
        values: dict[str, object] = {name: parsing.path_id(request, name) for name in inputs.path_ids}
        values["query"] = parsing.query(request, inputs.query)
        if inputs.form is not None:
            values["form"] = parsing.form(request, inputs.form)
        elif self.endpoint.writes:
            values["body"] = parsing.json_body(request, inputs.body)
        if "expected" in inputs.names:
            values["expected"] = expected_versions(request)
        if "client" in inputs.names:
            values["client"] = self._client
        return values

    def _outcome(self, work: UnitOfWork, arguments: Mapping[str, object]) -> Outcome:
        """Call the handler, or replay its stored answer if the request has an idempotency key."""
        key = idempotency.sent_key(self.request) if self.endpoint.creates else None
        caller = work.context.caller
        if key is None or caller is None:
            return self._call(arguments)
        fingerprint = idempotency.fingerprint(self.request, self.endpoint.route, arguments.get("form"))
        request = IdempotentRequest(
            work, caller.user_id, key, fingerprint, self.endpoint.transaction, self.request_id
        )
        return request.run(lambda: self._call(arguments))

    def _call(self, arguments: Mapping[str, object]) -> Outcome:
        result = self.endpoint.handler(**arguments)
        if isinstance(result, PortalError):
            return result
        return responses.render(
            result, self.endpoint.output.envelope, status=self.endpoint.status, request_id=self.request_id
        )
