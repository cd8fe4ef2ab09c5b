"""Many large photographs at once: one is decoded at a time, and its memory is given back."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import httpx
import pytest

from bench.child import peak_megabytes
from tests.faults import invariants
from tests.faults.report import PROPERTY, Row
from tests.faults.servers import wait_until
from tests.faults.trial import Site, Size
from tests.hostile_images import filled_png

SECONDS: Final = 60
ATTEMPTS: Final = 60
GIVEN_BACK: Final = 100
"""How much more memory a host may keep than before, in megabytes."""

LIMIT: Final = 200
"""The most memory that the process which examines files may have, in megabytes."""

HOST_LIMIT: Final = 400
"""The most memory that a host may take for ten uploads of 8 MB, in megabytes."""


def test_large_photographs_at_once_are_decoded_one_at_a_time_and_their_memory_is_given_back(
    site: Site, size: Size, request: pytest.FixtureRequest
) -> None:
    count = size.count(bounded=4, full=10)
    author = site.world.plant_user(0)
    practice = site.world.practice(author)["id"]
    host = site.hosts[0]
    send = partial(sent, f"{host.url}/api/v1/best-practices/{practice}/upload-image", author.tokens)
    assert send(filled_png(64, 64, 0)).status_code == 201
    before = resident(site)
    photographs = [filled_png(7000, 7000, 0), filled_png(6160, 6160, 6)]
    with ThreadPoolExecutor(count) as threads:
        answers = list(threads.map(send, [photographs[number % 2] for number in range(count)]))

    assert {answer.status_code for answer in answers} <= {200, 201}  # 200 if the trigger was faster
    (examiner,) = host.tree()[1:]
    peaks = peak_megabytes(host.process.pid), peak_megabytes(examiner.pid)
    row = Row(f"{count} photographs of 37 and 49 megapixels", calls=count, peak_memory=round(sum(peaks)))
    request.node.user_properties.append((PROPERTY, asdict(row)))
    assert peaks[1] < LIMIT
    assert peaks[0] - before < HOST_LIMIT
    wait_until(lambda: invariants.all_drawn(site.world), 2 * SECONDS, "no thumbnail")
    wait_until(lambda: resident(site) - before < GIVEN_BACK, SECONDS, "a host keeps the memory")
    refused = send(filled_png(7000, 7000, 2))
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "UPLOAD_REJECTED")
    assert "needs 196 MB when it is decoded" in refused.text


def sent(url: str, tokens: dict[str, Any], photograph: bytes) -> httpx.Response:
    """Send a photograph as a form, again for as long as too many others wait, as `Retry-After` says."""
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    files = {"file": ("a.png", photograph, "image/png")}
    for _ in range(ATTEMPTS):
        answer = httpx.post(url, data={"image_type": "before"}, files=files, headers=headers, timeout=SECONDS)
        if answer.status_code != 503:
            return answer
        time.sleep(int(answer.headers["Retry-After"]))
    raise AssertionError("too many others wait all the time")


def resident(site: Site) -> float:
    """What the first host and the process that examines files for it have in memory, in megabytes."""
    return sum(process.memory_info().rss for process in site.hosts[0].tree()) / 2**20
