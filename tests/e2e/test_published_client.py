"""The published client works with the function of the guide around fetch, from another origin."""

import base64
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from local.node import find_node
from local.storage import prepare_storage
from tests.e2e.instances import REPOSITORY, serving
from tests.world import PASSWORD, World, picture

ORIGIN = "http://localhost:5173"
SCRIPTS = Path(__file__).with_name("published_client")
CODE = re.compile(r"^```js\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("portal_settings", [{"RATE_LIMIT_GENERAL": "40/hour"}])
def test_the_function_of_the_guide_is_all_that_the_published_client_needs(
    world: World, tmp_path: Path
) -> None:
    guide = CODE.findall((REPOSITORY / "docs" / "API_GUIDE.md").read_text(encoding="utf-8"))
    assert len(guide[0].strip().splitlines()) == 7  # a variable, and a function of four lines
    parts = [(SCRIPTS / "other_origin.mjs").read_text(), *guide, (SCRIPTS / "usage.mjs").read_text()]
    (tmp_path / "client.mjs").write_text("\n".join(parts), encoding="utf-8")
    world.add_person("writer@amber.test", plant=0)
    prepare_storage(world.storage, [ORIGIN])
    with serving(world, tmp_path / "host.log", CORS_ORIGINS=ORIGIN) as instance:
        done = subprocess.run(
            [find_node().node, "client.mjs", instance.url, "writer@amber.test", PASSWORD],
            cwd=tmp_path,
            env={**os.environ, "PHOTO": base64.b64encode(picture(80, 60)).decode()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "titles": ["Fewer leaks", "Less scrap in brazing"],
        "benefits": [],
        "upload": 201,
        "image": "image/jpeg",
        "images": 1,
        "stale": "PRECONDITION_FAILED",
        "incomplete": ["The practice is not complete.", "description"],
        "ranks": [1] * 7,
        "limited": ["RATE_LIMITED", True],
    }
