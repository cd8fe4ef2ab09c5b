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


def test_a_line_has_the_context_and_what_was_bound_until_the_invocation_ends(
    lines: pytest.LogCaptureFixture,
) -> None:
    with logs.context(function="list_plants"):
        logs.bind(request_id="call-17")
        logs.log("before")
        logs.bind(user_id=USER)
        logs.log("bound")
    logs.log("outside")

    assert written(lines) == [
        {"event": "before", "function": "list_plants", "request_id": "call-17"},
        {"event": "bound", "function": "list_plants", "request_id": "call-17", "user_id": str(USER)},
        {"event": "outside"},
    ]


def test_the_next_invocation_on_the_thread_has_no_fact_of_one_that_failed(
    lines: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(RuntimeError), logs.context(function="first"):
        logs.bind(user_id=USER)
        raise RuntimeError
    with logs.context(function="second"):
        logs.log("inside")

    assert written(lines) == [{"event": "inside", "function": "second"}]


def test_a_level_that_is_off_is_not_logged(lines: pytest.LogCaptureFixture) -> None:
    lines.set_level(logging.ERROR, logger="portal")

    logs.log("job_finished")

    assert written(lines) == []


def test_a_failure_is_logged_with_its_exception(lines: pytest.LogCaptureFixture) -> None:
    failure = RuntimeError("broken")

    with logs.context(request_id="call-17"):
        logs.log_failure("failed", failure)

    [record] = lines.records
    assert (record.levelno, record.exc_info and record.exc_info[1]) == (logging.ERROR, failure)
    assert written(lines) == [{"event": "failed", "request_id": "call-17"}]
