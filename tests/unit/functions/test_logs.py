import json
import logging
from uuid import UUID

import pytest

from functions import logs

USER = UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="portal")
    return caplog


def written(lines: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(record.getMessage()) for record in lines.records]


def test_an_event_is_one_line_of_json_with_its_facts(lines: pytest.LogCaptureFixture) -> None:
    logs.log("job_finished", rows=3, user_id=USER)

    assert written(lines) == [{"event": "job_finished", "rows": 3, "user_id": str(USER)}]


def test_a_line_has_the_facts_of_every_context_around_it(lines: pytest.LogCaptureFixture) -> None:
    with logs.context(function="list_plants"):
        with logs.context(request_id="call-17"):
            logs.log("inside")
        logs.log("after")
    logs.log("outside")

    assert written(lines) == [
        {"event": "inside", "function": "list_plants", "request_id": "call-17"},
        {"event": "after", "function": "list_plants"},
        {"event": "outside"},
    ]


def test_a_bound_fact_is_logged_until_the_context_ends(lines: pytest.LogCaptureFixture) -> None:
    with logs.context(request_id="call-17"):
        logs.log("before")
        logs.bind(user_id=USER)
        logs.log("bound")
    logs.log("outside")

    assert written(lines) == [
        {"event": "before", "request_id": "call-17"},
        {"event": "bound", "request_id": "call-17", "user_id": str(USER)},
        {"event": "outside"},
    ]


def test_a_failure_is_logged_with_its_exception(lines: pytest.LogCaptureFixture) -> None:
    failure = RuntimeError("broken")

    with logs.context(request_id="call-17"):
        logs.log_failure("failed", failure)

    [record] = lines.records
    assert (record.levelno, record.exc_info and record.exc_info[1]) == (logging.ERROR, failure)
    assert written(lines) == [{"event": "failed", "request_id": "call-17"}]
